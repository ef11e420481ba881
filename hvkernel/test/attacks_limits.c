/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attacks on what keeps ring 1 away from the hypervisor on IA-32: the limits of its segments.
 * Paging does not (ring 1 is a supervisor), so these are judged only by a CPU that checks limits,
 * which QEMU's TCG does not. Each asks for a fault of the segment (#GP, #SS): a page fault would
 * mean that the limit had let it pass.
 */
#ifdef __i386__
#include "limits.h"
#include "asm/layout.h"
#include "asm/pte.h"
#include "lib.h"

#define SELECTOR     0x9 /* entry 1 of the GDT, RPL 1 */
#define LDT_SELECTOR 0xd
#define DATA         0x93ull /* of ring 0; it is brought down */
#define CODE         0x9bull
#define CONFORMING   0x9full
#define PAGES        0xcull /* granularity and size */
#define BYTES        0x4ull

static const ulong above[] = {GUEST_SEG_END, GUEST_SEG_END - 1, MACHPHYS_HV, FRAMETABLE,
			      WINDOWS,       HV_INSIDE,         0xfffffffc,  0xffffffff};

static u64 segment(ulong base, u64 limit, u64 access, u64 flags)
{
	return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | access << 40 |
	       (limit >> 16 & 15) << 48 | flags << 52 | (u64)(base >> 24) << 56;
}

/* A GDT with this as its entry 1; 0 or an error. */
static long gdt_of(u64 descriptor)
{
	u64 *table = page_alloc();
	ulong frame = frame_of(table);

	table[1] = descriptor;
	map((ulong)table, pte_of(frame, ro));
	return CALL2(set_gdt, &frame, 2);
}

static void no_gdt(void)
{
	__asm__ volatile("mov %0, %%fs; mov %0, %%gs" : : "r"(0));
	CALL2(set_gdt, 0, 0);
}

static ulong wanted_offset;

static void read_by_selector(ulong selector)
{
	ulong value;

	__asm__ volatile("mov %w1, %%fs; movl %%fs:(%2), %0"
			 : "=r"(value)
			 : "r"(selector), "r"(wanted_offset));
}

/* Whether the segment, not the page, stops it. */
static bool stops(void (*what)(ulong), ulong argument)
{
	unsigned int before = traps_seen[12] + traps_seen[13];

	return !probe(what, argument) && traps_seen[12] + traps_seen[13] == before + 1;
}

static bool stops_read(ulong selector, ulong offset)
{
	wanted_offset = offset;
	return stops(read_by_selector, selector);
}

bool machine_checks_limits(void)
{
	static signed char known = -1;

	if (known < 0) {
		known = gdt_of(segment(0, 0, DATA, BYTES)) || stops_read(SELECTOR, VIRT_BASE);
		no_gdt();
	}
	return known;
}

/* How many of the addresses above the end are reached; and the control: memory of our own is. */
static long reached(void (*what)(ulong))
{
	static ulong own;

	if (!probe(what, (ulong)&own))
		return -1;
	for (unsigned int i = 0; i < ARRAY_SIZE(above); i++)
		if (!stops(what, above[i])) {
			attack_detail = above[i];
			return 1 + i;
		}
	return 0;
}

/* The registers that hold the ABI's own segments. */
#define READ_BY(seg)                                                                               \
	static void read_by_##seg(ulong at)                                                        \
	{                                                                                          \
		__asm__ volatile("movl %%" #seg ":(%0), %0" : "+r"(at));                           \
	}

READ_BY(cs)
READ_BY(ds)
READ_BY(es)
READ_BY(fs)
READ_BY(gs)
READ_BY(ss)

static long reached_by(void (*what)(ulong))
{
	__asm__ volatile("mov %0, %%fs; mov %0, %%gs" : : "r"(KERNEL_SS));
	return reached(what);
}

LIMITS(read_above_by_cs)
{
	return reached_by(read_by_cs);
}

LIMITS(read_above_by_ds)
{
	return reached_by(read_by_ds);
}

LIMITS(read_above_by_es)
{
	return reached_by(read_by_es);
}

LIMITS(read_above_by_fs)
{
	return reached_by(read_by_fs);
}

LIMITS(read_above_by_gs)
{
	return reached_by(read_by_gs);
}

LIMITS(read_above_by_ss)
{
	return reached_by(read_by_ss);
}

static void write_unchanged(ulong at)
{
	__asm__ volatile("lock orl $0, (%0)" : : "r"(at) : "memory", "cc");
}

LIMITS(write_above)
{
	return reached(write_unchanged);
}

static void read_many(ulong at)
{
	ulong count = 64;

	__asm__ volatile("rep lodsl" : "+S"(at), "+c"(count) : : "eax", "memory");
}

LIMITS(string_over_the_end)
{
	return stops(read_many, HV_INSIDE) ? 0 : -1;
}

static void store_wide(ulong at)
{
	__asm__ volatile("fld1; fnsave (%0)" : : "r"(at) : "memory");
}

/* 108 bytes across the end: the first are below it. */
LIMITS(wide_store_over_the_end)
{
	return stops(store_wide, 0xffffffff - 50) ? 0 : -1;
}

static void jump_to(ulong at)
{
	((void (*)(void))at)();
}

static void far_call(ulong selector)
{
	struct {
		u32 offset;
		u16 selector;
	} __attribute__((packed)) to = {(u32)wanted_offset, (u16)selector};

	__asm__ volatile("lcall *%0" : : "m"(to) : "memory");
}

LIMITS(jump_above)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(above); i++)
		if (above[i] >= GUEST_SEG_END && !stops(jump_to, above[i]))
			return 1 + i;
	return 0;
}

LIMITS(far_call_above)
{
	wanted_offset = HV_INSIDE;
	return stops(far_call, KERNEL_CS) ? 0 : -1;
}

/* Segments of its own that are too wide; the hypervisor may refuse them or cut them. */
static long widest(ulong base, ulong selector)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(above); i++)
		if (!stops_read(selector, above[i] - base)) {
			attack_detail = above[i];
			return 1 + i;
		}
	return 0;
}

static long by_gdt(ulong base, u64 limit, u64 access, u64 flags)
{
	u64 d = segment(base, limit, access, flags);
	long result = gdt_of(d) ? 0 : widest(base, SELECTOR);

	no_gdt();
	return result;
}

LIMITS(own_data_of_4gib)
{
	return by_gdt(0, 0xfffff, DATA, PAGES);
}

LIMITS(own_data_of_ring3)
{
	return by_gdt(0, 0xfffff, 0xf3, PAGES);
}

LIMITS(own_code_of_4gib)
{
	return by_gdt(0, 0xfffff, CODE, PAGES);
}

LIMITS(own_conforming_code_of_4gib)
{
	return by_gdt(0, 0xfffff, CONFORMING, PAGES);
}

LIMITS(own_data_that_wraps)
{
	return by_gdt(0x80000000, 0xfffff, DATA, PAGES);
}

LIMITS(own_data_that_wraps_by_little)
{
	return by_gdt(0x1001, 0xfffff, DATA, PAGES);
}

LIMITS(own_data_behind_the_end)
{
	return by_gdt(GUEST_SEG_END, 0xfff, DATA, PAGES);
}

LIMITS(own_data_of_bytes_over_the_end)
{
	return by_gdt(GUEST_SEG_END - 0x1000, 0xfffff, DATA, BYTES);
}

LIMITS(own_page_over_the_end)
{
	return by_gdt(GUEST_SEG_END - 0xfff, 0, DATA, PAGES);
}

LIMITS(own_data_that_grows_down)
{
	return by_gdt(0, 0, 0x97, PAGES);
}

LIMITS(own_data_that_grows_down_from_the_end)
{
	return by_gdt(GUEST_SEG_END, 0, 0x97, BYTES);
}

/* Accepted, and of use up to its last byte only. */
LIMITS(own_data_up_to_the_end)
{
	u64 d = segment(GUEST_SEG_END - 0x1000, 0xfff, DATA, BYTES);
	long result = gdt_of(d);

	if (!result && (!stops_read(SELECTOR, 0xffd) || stops_read(SELECTOR, 0xffc)))
		result = -2;
	no_gdt();
	return result;
}

static long called_above(u64 access)
{
	long result = gdt_of(segment(0, 0xfffff, access, PAGES));

	wanted_offset = HV_INSIDE;
	if (!result && !stops(far_call, SELECTOR))
		result = -2;
	no_gdt();
	return result;
}

LIMITS(own_code_called_above)
{
	return called_above(CODE);
}

LIMITS(own_conforming_code_called_above)
{
	return called_above(CONFORMING);
}

LIMITS(descriptor_widened_in_place)
{
	u64 *table = page_alloc(), at = machine(&table[1]), d = segment(0, 0xfffff, DATA, PAGES);
	ulong frame = frame_of(table);
	long result;

	map((ulong)table, pte_of(frame, ro));
	result = CALL2(set_gdt, &frame, 2);
	if (!result)
		CALL4(update_descriptor, at, at >> 32, d, d >> 32);
	if (!result)
		result = widest(0, SELECTOR);
	no_gdt();
	return result;
}

/* Absent first, where nothing is checked; then present, with what it had. */
LIMITS(descriptor_absent_then_present)
{
	u64 d = segment(0, 0xfffff, DATA & ~0x80ull, PAGES);
	long result = gdt_of(d);

	if (!result && !stops_read(SELECTOR, HV_INSIDE) && !traps_seen[11])
		result = -2;
	no_gdt();
	return result;
}

static long ldt_of(u64 descriptor)
{
	u64 *table = page_alloc();
	struct mmuext_op op = {MMUEXT_SET_LDT, (ulong)table, 2};

	table[1] = descriptor;
	map((ulong)table, pte_of(frame_of(table), ro));
	return CALL4(mmuext_op, &op, 1, 0, DOMID_SELF);
}

static void no_ldt(void)
{
	struct mmuext_op op = {MMUEXT_SET_LDT, 0, 0};

	__asm__ volatile("mov %0, %%fs; mov %0, %%gs" : : "r"(0));
	CALL4(mmuext_op, &op, 1, 0, DOMID_SELF);
}

LIMITS(ldt_data_of_4gib)
{
	u64 d = segment(0, 0xfffff, DATA, PAGES);
	long result = ldt_of(d) ? 0 : widest(0, LDT_SELECTOR);

	no_ldt();
	return result;
}

LIMITS(ldt_data_that_grows_down)
{
	u64 d = segment(0, 0, 0x97, PAGES);
	long result = ldt_of(d) ? 0 : widest(0, LDT_SELECTOR);

	no_ldt();
	return result;
}

LIMITS(ldt_that_has_gone)
{
	long result = ldt_of(segment(0, 0xf0000, DATA, PAGES));

	no_ldt();
	return result ? result : stops_read(LDT_SELECTOR, VIRT_BASE) ? 0 : -2;
}
#endif
