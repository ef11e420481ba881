/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A CPU's own tables: GDT, TSS, IDT (Intel SDM vol. 3, chapters 3, 6 and 8). */
#include "asm/boot.h"
#include "asm/cpu.h"
#include "asm/machphys.h"
#include "asm/offsets.h"
#include "asm/pte.h"
#include "asm/tables.h"
#include "asm/tss.h"
#include "cpus.h"
#include "frame.h"
#include "lib.h"
#include "space.h"
#include "tlb.h"

#define IDT_GATE 0x8e00u /* interrupt gate, present, DPL 0 */

static u8 zero_page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static struct idt_entry idt[256] __attribute__((aligned(PAGE_SIZE)));
extern const u8 trap_stubs[256][16];

static ulong window_of(const struct cpu *cpu)
{
	return WINDOWS + cpu->id * WINDOW_PAGES * PAGE_SIZE;
}

static void set_window(const struct cpu *cpu, unsigned int page, mfn_t mfn)
{
	cpu->arch.window_entries[page] = pte_of(mfn, PTE_P | PTE_RW | PTE_A | PTE_D | pte_nx);
	tlb_invlpg_local(window_of(cpu) + page * PAGE_SIZE);
}

/* The guest's descriptor tables, as the CPU sees them. Where the guest has none there are zeros:
 * descriptors that no segment register accepts. */
void space_load_descriptors(struct vcpu *v)
{
	struct cpu *cpu = this_cpu();
	unsigned int live = (unsigned int)(v->arch.gdt_entries + 511) / 512;

	for (unsigned int i = 0; i < MAX(live, cpu->arch.windows_live); i++)
		set_window(cpu, i, i < live ? mfn_of(v->arch.gdt[i]) : direct_frame(zero_page));
	cpu->arch.windows_live = (u8)live;
	if (!v->arch.ldt_entries && !cpu->arch.ldt_live)
		return;
	for (unsigned int i = 0; i < 16; i++)
		set_window(cpu, 16 + i,
			   v->arch.ldt[i] ? mfn_of(v->arch.ldt[i]) : direct_frame(zero_page));
	cpu->arch.ldt_live = v->arch.ldt_entries != 0;
	ldt_load(cpu->arch.gdt, window_of(cpu) + 16 * PAGE_SIZE, v->arch.ldt_entries);
}

static void deny_port(u8 *bitmap, unsigned int port)
{
	bitmap[port / 8] |= (u8)(1 << port % 8);
}

/* dom0 may use all ports but those of the hypervisor's own devices: PIC, PIT, COM1. */
static void fill_io_bitmap(u8 *bitmap)
{
	static const struct {
		u16 first, last;
	} ours[] = {{0x20, 0x21}, {0x40, 0x43}, {0xa0, 0xa1}, {0x3f8, 0x3ff}};

	bitmap[TSS_IO_BITMAP] = 0xff;
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		for (unsigned int port = ours[i].first; port <= ours[i].last; port++)
			deny_port(bitmap, port);
}

static void cpu_forget(struct cpu *cpu)
{
	if (cpu->arch.gdt)
		hv_free(cpu->arch.gdt, 0);
	if (cpu->arch.tss)
		hv_free(cpu->arch.tss, 2);
	hv_free(cpu, 1);
}

struct cpu *cpu_prepare(unsigned int id, u8 *block)
{
	struct cpu *cpu = hv_alloc(1);
	struct stack_top *top = (struct stack_top *)(void *)(block + CPU_BLOCK) - 1;

	if (!cpu)
		return NULL;
	cpu->id = id;
	cpu->arch.stack = block;
	cpu->arch.gdt = hv_alloc(0);
	cpu->arch.tss = hv_alloc(2);
	if (!cpu->arch.gdt || !cpu->arch.tss) {
		cpu_forget(cpu);
		return NULL;
	}
	top->cpu = cpu;
	cpu->arch.syscall_stack = (ulong)top - REGS_SIZE + REGS_ES;
	tss_fill(cpu);
	fill_io_bitmap((u8 *)cpu->arch.tss + sizeof(struct tss));
	gdt_fill(cpu);
	cpus[id] = cpu;
	return cpu;
}

void idt_init(void)
{
	for (unsigned int i = 0; i < 256; i++)
		idt_set(&idt[i], (ulong)trap_stubs[i], i == TRAP_BP || i == TRAP_OF ? 3 : 0, 0);
	idt_special(idt);
}

void cpu_init(struct cpu *cpu)
{
	struct table_pointer pointer;

	cpu->arch.window_entries = hv_l1_entry(window_of(cpu));
	for (unsigned int i = 0; i < 14; i++)
		set_window(cpu, i, direct_frame(zero_page));
	set_window(cpu, 14, direct_frame(cpu->arch.gdt));
	set_window(cpu, 15, direct_frame(zero_page));
	pointer.limit = 15 * PAGE_SIZE - 1;
	pointer.base = window_of(cpu);
	__asm__ volatile("lgdt %0" : : "m"(pointer));
	segments_init();
	pointer.limit = sizeof(idt) - 1;
	pointer.base = (ulong)idt;
	__asm__ volatile("lidt %0" : : "m"(pointer));
	__asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
	__asm__ volatile("lldt %w0" : : "r"(0));
	cpu_init_msrs(cpu);
}

void cpu_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

void tlb_reload(void)
{
	ulong cr4 = read_cr4();

	if (cpu_has_global_pages) {
		write_cr4(cr4 & ~0x80ul);
		write_cr4(cr4 | 0x80ul);
	}
	write_cr3(read_cr3());
}

/* Guests have no global pages: loading CR3 is enough for theirs. */
void tlb_flush_local(void)
{
	write_cr3(read_cr3());
	this_cpu()->tlb_flushed = __atomic_add_fetch(&tlb_clock, 1, __ATOMIC_SEQ_CST);
}

void tlb_invlpg_local(ulong va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

void cache_flush(void)
{
	__asm__ volatile("wbinvd" : : : "memory");
}
