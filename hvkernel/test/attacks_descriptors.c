/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks: segment descriptors and their tables (Intel SDM vol. 3, 3.4.5). */
#include "suite.h"
#include "asm/pte.h"
#include "errno.h"
#include "lib.h"

#define RING0_CODE (LEVELS == 3 ? 0x00cf9a000000ffffull : 0x00af9a000000ffffull)
#define RING0_DATA 0x00cf92000000ffffull
#define CALL_GATE  0x0000ec000008e008ull
#define TASK_GATE  0x0000e50000380000ull
#define LDT_OF_OWN 0x0000820000000fffull
#define BUSY_TASK  0x00008b0000000067ull

/* A page with this as its entry 1, read only. */
static u64 *table_with(u64 descriptor)
{
	u64 *table = page_alloc();

	table[1] = descriptor;
	map((ulong)table, pte_of(frame_of(table), ro));
	return table;
}

static long set_gdt(ulong frame, ulong entries)
{
	return CALL2(set_gdt, &frame, entries);
}

static long gdt_with(u64 descriptor)
{
	return set_gdt(frame_of(table_with(descriptor)), 2);
}

static long set_ldt(ulong at, ulong entries)
{
	struct mmuext_op op = {MMUEXT_SET_LDT, at, entries};

	return CALL4(mmuext_op, &op, 1, 0, DOMID_SELF);
}

static long ldt_with(u64 descriptor)
{
	return set_ldt((ulong)table_with(descriptor), 2);
}

static long write_descriptor(u64 address, u64 d)
{
#ifdef __i386__
	return CALL4(update_descriptor, address, address >> 32, d, d >> 32);
#else
	return CALL2(update_descriptor, address, d);
#endif
}

REFUSED(gdt_with_call_gate, EINVAL)
{
	return gdt_with(CALL_GATE);
}

REFUSED(gdt_with_task_gate, EINVAL)
{
	return gdt_with(TASK_GATE);
}

REFUSED(gdt_with_task, EINVAL)
{
	return gdt_with(BUSY_TASK);
}

REFUSED(gdt_with_ldt, EINVAL)
{
	return gdt_with(LDT_OF_OWN);
}

/* Where segments keep guests out: refused; in 64-bit mode they do not matter. */
static long unless_64_bit(u64 descriptor)
{
	long error = gdt_with(descriptor);

	set_gdt(0, 0);
	return error == (LEVELS == 3 ? -EINVAL : 0) ? 0 : error - 1;
}

HOLDS(gdt_with_data_that_grows_down)
{
	return unless_64_bit(0x00cf96000000ffffull);
}

HOLDS(gdt_with_base_in_hypervisor)
{
	return unless_64_bit(0xf6cfb2800000ffffull);
}

HOLDS(gdt_with_bytes_over_the_end)
{
	return unless_64_bit(0xf60fb27f0000ffffull);
}

static long privilege_and_limit(u64 before)
{
	u64 *table = table_with(before), after;
	long error = set_gdt(frame_of(table), 2);

	after = table[1];
	set_gdt(0, 0);
	attack_detail = (ulong)(after >> 32);
	if (error || (after >> 45 & 3) == 0)
		return error - 1;
	return LEVELS == 3 && (after & 0xffff) != 0x67ff ? -3 : 0;
}

HOLDS(gdt_with_code_of_ring0)
{
	return privilege_and_limit(RING0_CODE);
}

HOLDS(gdt_with_data_of_ring0)
{
	return privilege_and_limit(RING0_DATA);
}

HOLDS(gdt_with_conforming_code)
{
	return privilege_and_limit(RING0_CODE | 1ull << 42);
}

REFUSED(gdt_that_is_writable, EINVAL)
{
	return set_gdt(frame_of(page_alloc()), 2);
}

REFUSED(gdt_writable_afterwards, EBUSY)
{
	u64 *table = table_with(0);
	long error = set_gdt(frame_of(table), 2);

	if (error)
		return error - 1000;
	error = map((ulong)table, pte_of(frame_of(table), rw));
	set_gdt(0, 0);
	return error;
}

REFUSED(gdt_of_page_table, EINVAL)
{
	return set_gdt(frame_of(table_of((ulong)page_next(), 1)), 2);
}

REFUSED(gdt_of_neighbour, EINVAL)
{
	return set_gdt(bench.neighbour_frame, 2);
}

REFUSED(gdt_of_hypervisor, EINVAL)
{
	return set_gdt(0x100, 2);
}

REFUSED(gdt_over_hypervisor_entries, EINVAL)
{
	return set_gdt(frame_of(table_with(0)), FIRST_RESERVED_GDT_ENTRY + 1);
}

REFUSED(gdt_of_endless_entries, EINVAL)
{
	return set_gdt(frame_of(table_with(0)), ~0ul);
}

REFUSED(ldt_with_call_gate, EINVAL)
{
	return ldt_with(CALL_GATE);
}

REFUSED(ldt_with_task, EINVAL)
{
	return ldt_with(BUSY_TASK);
}

REFUSED(ldt_that_is_writable, EINVAL)
{
	return set_ldt((ulong)page_alloc(), 2);
}

REFUSED(ldt_unmapped, EINVAL)
{
	return set_ldt(0x1000, 2);
}

REFUSED(ldt_in_hypervisor, EINVAL)
{
	return set_ldt(HV_INSIDE, 2);
}

REFUSED(ldt_in_m2p, EINVAL)
{
	return set_ldt(MACHPHYS, 512);
}

REFUSED(ldt_not_aligned, EINVAL)
{
	return set_ldt((ulong)table_with(0) + 8, 2);
}

REFUSED(ldt_too_long, EINVAL)
{
	return set_ldt((ulong)table_with(0), 8193);
}

REFUSED(ldt_of_page_table, EINVAL)
{
	return set_ldt((ulong)table_of((ulong)page_next(), 1), 2);
}

REFUSED(ldt_writable_afterwards, EBUSY)
{
	u64 *table = table_with(0);
	long error = set_ldt((ulong)table, 2);

	if (error)
		return error - 1000;
	error = map((ulong)table, pte_of(frame_of(table), rw));
	set_ldt(0, 0);
	return error;
}

REFUSED(descriptor_of_call_gate, EINVAL)
{
	return write_descriptor(machine(page_alloc()), CALL_GATE);
}

REFUSED(descriptor_of_task, EINVAL)
{
	return write_descriptor(machine(page_alloc()), BUSY_TASK);
}

REFUSED(descriptor_into_live_gdt, EINVAL)
{
	u64 *table = table_with(0);
	long error = set_gdt(frame_of(table), 2);

	if (!error)
		error = write_descriptor(machine(&table[1]), CALL_GATE);
	set_gdt(0, 0);
	return error;
}

REFUSED(descriptor_into_page_table, EINVAL)
{
	return write_descriptor(machine(table_of((ulong)page_next(), 1)), 0);
}

REFUSED(descriptor_into_neighbour, EINVAL)
{
	return write_descriptor((u64)bench.neighbour_frame << PAGE_SHIFT, 0);
}

REFUSED(descriptor_into_hypervisor, EINVAL)
{
	return write_descriptor(0x100000, 0);
}

REFUSED(descriptor_beyond_memory, EINVAL)
{
	return write_descriptor(0xfffffffff000ull, 0);
}

REFUSED(descriptor_not_aligned, EINVAL)
{
	return write_descriptor(machine(page_alloc()) + 3, 0);
}
