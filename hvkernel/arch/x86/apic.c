/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local APIC (Intel SDM vol. 3, chapter 11) and I/O APIC (82093AA data sheet). */
#include "asm/boot.h"
#include "asm/cpu.h"
#include "console.h"
#include "cpus.h"
#include "lib.h"

#define APIC_ID       0x20
#define APIC_TPR      0x80
#define APIC_EOI      0xb0
#define APIC_SVR      0xf0
#define APIC_IRR      0x200
#define APIC_ICR_LOW  0x300
#define APIC_ICR_HIGH 0x310
#define APIC_TIMER    0x320
#define APIC_LINT0    0x350
#define APIC_LINT1    0x360
#define APIC_ERROR    0x370
#define APIC_COUNT    0x380
#define APIC_LEFT     0x390
#define APIC_DIVIDE   0x3e0
#define MASKED        0x10000u

static volatile u32 *apic;

static u32 apic_read(unsigned int reg)
{
	return apic[reg / 4];
}

static void apic_write(unsigned int reg, u32 value)
{
	apic[reg / 4] = value;
}

void apic_init_cpu(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0x800);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_SVR, 0x100 | VECTOR_SPURIOUS);
	apic_write(APIC_LINT0, MASKED);
	apic_write(APIC_LINT1, MASKED);
	apic_write(APIC_ERROR, MASKED);
	apic_write(APIC_DIVIDE, 3); /* by 16 */
	apic_write(APIC_TIMER, VECTOR_TIMER);
	apic_write(APIC_COUNT, 0);
	this_cpu()->arch.apic_id = apic_id();
}

/* The 8259s (their data sheet) are remapped away from the exceptions and masked for ever. */
static void mask_pics(void)
{
	outb(0x20, 0x11);
	outb(0xa0, 0x11);
	outb(0x21, 0x20);
	outb(0xa1, 0x28);
	outb(0x21, 4);
	outb(0xa1, 2);
	outb(0x21, 1);
	outb(0xa1, 1);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

void apic_init(void)
{
	mask_pics();
	apic = map_device(lapic_address, PAGE_SIZE);
	apic_init_cpu();
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

u8 apic_id(void)
{
	return (u8)(apic_read(APIC_ID) >> 24);
}

void apic_send(u8 id, u32 command)
{
	while (apic_read(APIC_ICR_LOW) & 0x1000)
		cpu_relax();
	apic_write(APIC_ICR_HIGH, (u32)id << 24);
	apic_write(APIC_ICR_LOW, command);
}

void cpu_kick(unsigned int id)
{
	apic_send(cpus[id]->arch.apic_id, VECTOR_KICK);
}

/* The task priority keeps back all vectors but the timer's and the kick's. */
void cpu_doze(void)
{
	apic_write(APIC_TPR, VECTOR_TIMER - 0x10);
	__asm__ volatile("sti; hlt; cli" : : : "memory");
	apic_write(APIC_TPR, 0);
}

void apic_timer(u32 count)
{
	apic_write(APIC_COUNT, count);
}

u32 apic_timer_left(void)
{
	return apic_read(APIC_LEFT);
}

/* The two registers that have the devices' vectors, and the one of the timer and other CPUs. */
bool arch_irq_pending(void)
{
	return apic_read(APIC_IRR + VECTOR_DEVICES / 32 * 16) ||
	       apic_read(APIC_IRR + (VECTOR_DEVICES / 32 + 1) * 16) ||
	       apic_read(APIC_IRR + VECTOR_TIMER / 32 * 16);
}

static u32 ioapic_read(const struct ioapic *io, u32 reg)
{
	io->registers[0] = reg;
	return io->registers[4];
}

static void ioapic_write(const struct ioapic *io, u32 reg, u32 value)
{
	io->registers[0] = reg;
	io->registers[4] = value;
}

static const struct ioapic *ioapic_of(u32 gsi)
{
	for (unsigned int i = 0; i < ioapic_count; i++)
		if (gsi >= ioapics[i].gsi_base && gsi < ioapics[i].gsi_base + ioapics[i].pins)
			return &ioapics[i];
	return NULL;
}

u32 gsi_count(void)
{
	u32 count = 0;

	for (unsigned int i = 0; i < ioapic_count; i++)
		count = MAX(count, ioapics[i].gsi_base + ioapics[i].pins);
	return count;
}

void gsi_set(u32 gsi, unsigned int vector, bool level, bool low, bool masked)
{
	const struct ioapic *io = ioapic_of(gsi);
	u32 pin, entry = vector | (low ? 1u << 13 : 0) | (level ? 1u << 15 : 0);

	if (!io)
		return;
	pin = gsi - io->gsi_base;
	ioapic_write(io, 0x11 + 2 * pin, (u32)cpus[0]->arch.apic_id << 24);
	ioapic_write(io, 0x10 + 2 * pin, entry | (masked ? MASKED : 0));
}

void gsi_mask(u32 gsi, bool masked)
{
	const struct ioapic *io = ioapic_of(gsi);
	u32 reg, entry;

	if (!io)
		return;
	reg = 0x10 + 2 * (gsi - io->gsi_base);
	entry = ioapic_read(io, reg) & ~MASKED;
	ioapic_write(io, reg, entry | (masked ? MASKED : 0));
}

void ioapic_init(void)
{
	for (unsigned int i = 0; i < ioapic_count; i++) {
		ioapics[i].registers = map_device(ioapics[i].address, PAGE_SIZE);
		ioapics[i].pins = (ioapic_read(&ioapics[i], 1) >> 16 & 0xff) + 1;
		for (u32 pin = 0; pin < ioapics[i].pins; pin++)
			gsi_set(ioapics[i].gsi_base + pin, 0, false, false, true);
	}
}
