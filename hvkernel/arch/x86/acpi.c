/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As much of ACPI as a hypervisor for PV needs: the MADT (ACPI spec 6.4, 5.2.12) says which CPUs
 * and interrupt controllers there are. */
#include "asm/boot.h"
#include "asm/machphys.h"
#include "asm/pte.h"
#include "asm/tables.h"
#include "cpus.h"
#include "lib.h"

struct acpi_cpu acpi_cpus[MAX_CPUS];
unsigned int acpi_cpu_count, ioapic_count;
struct ioapic ioapics[4];
u64 lapic_address = 0xfee00000;
struct isa_irq isa_irqs[16];

static ulong fixmap_at = FIXMAP;

static void *map(u64 address, size_t size, u64 flags)
{
	ulong offset = address & (PAGE_SIZE - 1), va = fixmap_at;

	size = ROUND_UP(size + offset, PAGE_SIZE);
	if (va + size > FIXMAP + 0x400000)
		panic("no room to map %llx", (unsigned long long)address);
	hv_map(va, address - offset, size, PTE_P | PTE_RW | PTE_A | PTE_D | pte_nx | flags);
	tlb_reload();
	fixmap_at += size;
	return (void *)(va + offset);
}

void *map_device(u64 address, size_t size)
{
	return map(address, size, PTE_PCD | PTE_PWT);
}

/* Low memory is in the direct map; the rest goes through one window that the next call reuses. */
void *map_boot(u64 address, size_t size)
{
	if (address + size <= MIN((u64)DIRECT_SIZE, 1ull << 32))
		return (void *)(DIRECT_BASE + (ulong)address);
	fixmap_at = FIXMAP;
	return map(address, size, 0);
}

static u32 field(const u8 *at, unsigned int size)
{
	u32 value = 0;

	while (size--)
		value = value << 8 | at[size];
	return value;
}

static bool sum_is_zero(const u8 *at, size_t size)
{
	u8 sum = 0;

	while (size--)
		sum += at[size];
	return !sum;
}

static u64 search_rsdp(u64 start, u64 end)
{
	for (; start < end; start += 16) {
		const u8 *at = map_boot(start, 20);

		if (!memcmp(at, "RSD PTR ", 8) && sum_is_zero(at, 20))
			return start;
	}
	return 0;
}

static void add_ioapic(const u8 *e)
{
	if (ioapic_count == ARRAY_SIZE(ioapics))
		return;
	ioapics[ioapic_count].address = field(e + 4, 4);
	ioapics[ioapic_count].gsi_base = field(e + 8, 4);
	ioapic_count++;
}

static void add_override(const u8 *e)
{
	u32 source = e[3], flags = field(e + 8, 2);

	if (source >= 16)
		return;
	isa_irqs[source].gsi = field(e + 4, 4);
	isa_irqs[source].low = (flags & 3) == 3;
	isa_irqs[source].level = (flags >> 2 & 3) == 3;
}

static void read_madt(const u8 *madt, u32 size)
{
	lapic_address = field(madt + 36, 4);
	for (u32 at = 44; at + 2 <= size && madt[at + 1] >= 2; at += madt[at + 1]) {
		const u8 *e = madt + at;

		if (e[0] == 0 && e[4] & 1 && acpi_cpu_count < MAX_CPUS)
			acpi_cpus[acpi_cpu_count++] = (struct acpi_cpu){e[3], e[2]};
		if (e[0] == 1)
			add_ioapic(e);
		if (e[0] == 2)
			add_override(e);
	}
}

static bool read_table(u64 address)
{
	const u8 *table = map_boot(address, 36);
	u32 size = field(table + 4, 4);

	if (memcmp(table, "APIC", 4) || size < 44 || size > 65536)
		return false;
	read_madt(map_boot(address, size), size);
	return true;
}

static u64 entry_of(const u8 *at, unsigned int width)
{
	return width == 8 ? (u64)field(at + 4, 4) << 32 | field(at, 4) : field(at, 4);
}

static void read_tables(u64 rsdp)
{
	u8 header[36] = {0};
	bool extended;
	unsigned int width;
	u64 root;
	u32 size;

	memcpy(header, map_boot(rsdp, sizeof(header)), sizeof(header));
	extended = header[15] >= 2 && entry_of(header + 24, 8);
	width = extended ? 8 : 4;
	root = extended ? entry_of(header + 24, 8) : field(header + 16, 4);
	size = field((const u8 *)map_boot(root, 36) + 4, 4);
	for (u32 at = 36; at + width <= size && size < 65536; at += width)
		if (read_table(entry_of((const u8 *)map_boot(root, size) + at, width)))
			return;
}

void acpi_read(void)
{
	u64 rsdp = boot.rsdp;
	const u8 *ebda;

	for (u32 i = 0; i < 16; i++)
		isa_irqs[i].gsi = i;
	if (!rsdp) {
		ebda = map_boot(0x40e, 2);
		rsdp = search_rsdp(field(ebda, 2) << 4, (field(ebda, 2) << 4) + 1024);
	}
	if (!rsdp)
		rsdp = search_rsdp(0xe0000, 0x100000);
	if (rsdp)
		read_tables(rsdp);
	if (!ioapic_count)
		ioapics[ioapic_count++].address = 0xfec00000; /* where it always was */
	fixmap_at = FIXMAP + 0x200000;
	printk("ACPI: %u CPUs, %u I/O APICs%s\n", MAX(acpi_cpu_count, 1u), ioapic_count,
	       rsdp ? "" : " (no tables)");
}
