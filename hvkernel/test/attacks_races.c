/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attacks: while one vcpu makes a call, another one of the domain changes what the call reads. With
 * more than one CPU they run at the same time. What was judged must be what is done.
 */
#include "suite.h"
#include "asm/pte.h"
#include "errno.h"
#include "lib.h"

#define ROUNDS   3000
#define TIME     400000000 /* ns; a busy machine makes fewer rounds */
#define RACE(id) ATTACK(id, HOLDS, BY_DOMU | FRESH, 0)

/* What the second vcpu turns over and over: two words, at once or one after the other. */
static volatile u64 *target;
static u64 good_word, evil_word;

static void flip(void)
{
	for (unsigned int i = 0; i < 1000; i++) {
		*target = evil_word;
		*target = good_word;
	}
}

static unsigned int rounds;
static u64 until;

static bool again(void)
{
	if (!rounds++)
		until = system_time() + TIME;
	return rounds <= ROUNDS && system_time() < until;
}

static long start_flipping(volatile u64 *at, u64 good, u64 evil)
{
	target = at;
	good_word = good;
	evil_word = evil;
	*target = good;
	return second_start(flip) ? 0 : -1;
}

/* An update whose new entry changes from a page of ours to the table that it is written in. */
RACE(race_mmu_update_entry)
{
	static struct mmu_update u;
	u8 *page = page_alloc(), *window = page_alloc();
	u64 *l1 = l1_of(window), evil = pte_of(frame_of(l1), rw), e;
	unsigned int slot = (ulong)window >> 12 & 511;
	long result = start_flipping(&u.val, pte_of(frame_of(page), rw), evil);

	u.ptr = machine(&l1[slot]);
	while (!result && again()) {
		CALL4(mmu_update, &u, 1, 0, DOMID_SELF);
		e = l1[slot];
		if (e & PTE_P && pte_mfn(e) == frame_of(l1) && e & PTE_RW)
			result = -2;
	}
	second_stop();
	return result;
}

/* An update whose place changes from a free page to a table. */
RACE(race_mmu_update_place)
{
	static struct mmu_update u;
	u64 *page = page_alloc(), *l1 = l1_of(page), evil = pte_of(HV_FRAME, rw);
	long result = start_flipping(&u.ptr, machine(page), machine(&l1[511]));

	u.val = evil;
	while (!result && again()) {
		CALL4(mmu_update, &u, 1, 0, DOMID_SELF);
		if (l1[511] == evil)
			result = -2;
	}
	second_stop();
	return result;
}

RACE(race_multicall)
{
	static struct multicall_entry call __attribute__((aligned(8)));
	static struct mmu_update good, evil;
	u8 *window = page_alloc();
	u64 *l1 = l1_of(window), count = LEVELS == 3 ? 1ull << 32 : 0; /* the next argument */
	unsigned int slot = (ulong)window >> 12 & 511;
	long result;

	good.ptr = evil.ptr = machine(&l1[slot]);
	good.val = pte_of(frame_of(window), rw);
	evil.val = pte_of(frame_of(l1), rw);
	call = (struct multicall_entry){HC_mmu_update, 0, {(ulong)&good, 1, 0, DOMID_SELF}};
	result =
	    start_flipping((u64 *)(void *)call.args, (ulong)&good | count, (ulong)&evil | count);
	while (!result && again()) {
		CALL2(multicall, &call, 1);
		if (l1[slot] & PTE_P && pte_mfn(l1[slot]) == frame_of(l1))
			result = -2;
	}
	second_stop();
	map((ulong)window, pte_of(frame_of(window), rw));
	return result;
}

/* A copy whose length changes from what fits to what does not: the page behind stays as it is. */
RACE(race_grant_copy)
{
	static struct grant_copy op __attribute__((aligned(8)));
	u8 *from = page_alloc(), *to = page_alloc();
	u64 *words = (u64 *)(void *)&op, good, evil;
	unsigned int at = offsetof(struct grant_copy, dest) / 8 * 8;
	long result;

	op.source.u.gmfn = frame_of(from);
	op.dest.u.gmfn = frame_of(to);
	op.source.domid = op.dest.domid = DOMID_SELF;
	op.len = 8;
	good = words[at / 8];
	op.dest.u.gmfn = frame_of((void *)start->pt_base);
	evil = words[at / 8];
	memset(from, 0xff, PAGE_SIZE);
	result = start_flipping(&words[at / 8], good, evil);
	while (!result && again()) {
		CALL3(grant_table_op, GNTTABOP_copy, &op, 1);
		if (*(u64 *)start->pt_base == ~0ull)
			result = -2;
	}
	second_stop();
	return result;
}

/* The entry of a grant changes its frame while it is mapped. */
RACE(race_grant_entry)
{
	struct grant_entry *e = grant_entries() + 120;
	u8 *page = page_alloc(), *window = page_alloc();
	u64 old = entry_of((ulong)window);
	long result;

	*e = (struct grant_entry){GTF_permit_access, own_id(), 0};
	result = start_flipping(
	    (u64 *)(void *)e, (u64)frame_of(page) << 32 | (u64)own_id() << 16 | GTF_permit_access,
	    (u64)frame_of((void *)start->pt_base) << 32 | (u64)own_id() << 16 | GTF_permit_access);
	while (!result && again()) {
		struct grant_map m = {(ulong)window, GNTMAP_host_map, 120, own_id(), 0, 0, 0};
		struct grant_unmap un;

		CALL3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
		if (m.status)
			continue;
		if (pte_mfn(entry_of((ulong)window)) != frame_of(page))
			result = -2;
		un = (struct grant_unmap){(ulong)window, 0, m.handle, 0};
		CALL3(grant_table_op, GNTTABOP_unmap_grant_ref, &un, 1);
		if (un.status)
			result = -3;
	}
	second_stop();
	e->flags = 0;
	map((ulong)window, old);
	return result;
}

/* A page becomes a table while another vcpu writes to it: through what its TLB may still know. */
RACE(race_pin_while_written)
{
	u64 *table = page_alloc(), evil = pte_of(HV_FRAME, rw);
	ulong frame = frame_of(table);
	long result = 0;

	while (!result && again()) {
		map((ulong)table, pte_of(frame, rw));
		result = start_flipping(&table[7], 0, evil);
		nap(50000);
		update(machine(&l1_of(table)[(ulong)table >> 12 & 511]), pte_of(frame, ro));
		if (!ext(MMUEXT_PIN_L1_TABLE, frame)) {
			for (unsigned int n = 0; n < 20; n++)
				if (table[7] == evil)
					result = -2;
			ext(MMUEXT_UNPIN_TABLE, frame);
		}
		second_stop();
	}
	return result;
}

static volatile ulong contested;

static void pin_and_unpin(void)
{
	ext(MMUEXT_PIN_L1_TABLE, contested);
	ext(MMUEXT_UNPIN_TABLE, contested);
}

/* Two pin, unpin and map one page; afterwards nothing holds it. */
RACE(race_pin_and_map)
{
	u64 *table = table_alloc(), *window = page_alloc();
	long result;

	contested = frame_of(table);
	result = second_start(pin_and_unpin) ? 0 : -1;
	while (!result && again()) {
		if (!map((ulong)window, pte_of(contested, rw)) &&
		    !ext(MMUEXT_PIN_L1_TABLE, contested))
			result = -2;
		map((ulong)window, pte_of(frame_of(window), rw));
	}
	second_stop();
	ext(MMUEXT_UNPIN_TABLE, contested);
	return result ? result : map((ulong)table, pte_of(contested, rw));
}

static void take_and_give(void)
{
	struct memory_reservation r = {(ulong)&contested, 1, 0, 0, DOMID_SELF};

	contested = 5000;
	if (CALL2(memory_op, XENMEM_populate_physmap, &r) == 1)
		CALL2(memory_op, XENMEM_decrease_reservation, &r);
}

/* One gives a page back while the other maps it. */
RACE(race_give_back_and_map)
{
	u8 *window = page_alloc(), *spare = page_alloc();
	ulong frame = frame_of(spare);
	struct memory_reservation r = {(ulong)&frame, 1, 0, 0, DOMID_SELF};
	long result;

	map((ulong)spare, 0);
	if (CALL2(memory_op, XENMEM_decrease_reservation, &r) != 1)
		return -3;
	result = second_start(take_and_give) ? 0 : -1;
	while (!result && again()) {
		ulong mfn = contested;

		if (!map((ulong)window, pte_of(mfn, rw)) && mfn != frame_of(window))
			window[0] = 1;
	}
	second_stop();
	map((ulong)window, pte_of(frame_of(window), rw));
	frame = ((ulong)spare - VIRT_BASE) >> PAGE_SHIFT;
	if (CALL2(memory_op, XENMEM_populate_physmap, &r) == 1)
		((ulong *)start->mfn_list)[((ulong)spare - VIRT_BASE) >> PAGE_SHIFT] = frame;
	return result;
}

/* A GDT of frames that change under the call. */
RACE(race_gdt_frames)
{
	static volatile u64 flipped;
	u64 *table = table_alloc();
	long result = start_flipping(&flipped, frame_of(table), HV_FRAME);

	while (!result && again()) {
		CALL2(set_gdt, &flipped, 8);
		CALL2(set_gdt, 0, 0);
	}
	second_stop();
	return result;
}
