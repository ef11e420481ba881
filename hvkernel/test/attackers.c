/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What attacks have in common: registers to spy on, grants, a second vcpu. */
#include "suite.h"
#include "asm/pte.h"
#include "errno.h"
#include "lib.h"

#define SECRET 0x7365637265742121ull

static u64 seen[8];

static void read_mmx(void)
{
	__asm__ volatile("movq %%mm0, (%0); movq %%mm1, 8(%0); movq %%mm2, 16(%0);"
			 "movq %%mm3, 24(%0); movq %%mm4, 32(%0); movq %%mm5, 40(%0);"
			 "movq %%mm6, 48(%0); movq %%mm7, 56(%0)"
			 :
			 : "r"(seen)
			 : "memory");
}

void hold_secret(void)
{
	static const u64 secret = SECRET;

	__asm__ volatile("movq (%0), %%mm0; movq (%0), %%mm1; movq (%0), %%mm2; movq (%0), %%mm3;"
			 "movq (%0), %%mm4; movq (%0), %%mm5; movq (%0), %%mm6; movq (%0), %%mm7"
			 :
			 : "r"(&secret));
}

bool secret_is_held(void)
{
	read_mmx();
	for (unsigned int i = 0; i < 8; i++)
		if (seen[i] != SECRET)
			return false;
	return true;
}

bool secret_is_seen(void)
{
	read_mmx();
	for (unsigned int i = 0; i < 8; i++)
		if (seen[i] == SECRET)
			return true;
	return false;
}

struct grant_entry *grant_entries(void)
{
	static struct grant_entry *entries;
	static u8 place[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
	ulong frame = 0;
	struct grant_setup_table setup = {DOMID_SELF, 1, 0, (ulong)&frame};

	if (entries)
		return entries;
	if (CALL3(grant_table_op, GNTTABOP_setup_table, &setup, 1) || setup.status ||
	    map((ulong)place, pte_of(frame, rw)))
		say("FAIL grant table\n");
	return entries = (struct grant_entry *)(void *)place;
}

u32 grant_page(const void *page, domid_t to)
{
	static u32 next = 8;
	struct grant_entry *e = &grant_entries()[next];

	e->frame = (u32)frame_of(page);
	e->domid = to;
	__atomic_store_n(&e->flags, GTF_permit_access, __ATOMIC_SEQ_CST);
	return next++;
}

u64 *l1_of(const void *page)
{
	return table_of((ulong)page, 1);
}

u64 *table_alloc(void)
{
	u64 *table = page_alloc();

	map((ulong)table, pte_of(frame_of(table), ro));
	return table;
}

void table_fill(u64 *table, unsigned int index, u64 entry)
{
	map((ulong)table, pte_of(frame_of(table), rw));
	table[index] = entry;
	map((ulong)table, pte_of(frame_of(table), ro));
}

/* Every domain may grant to itself; but it is not told who it is. */
domid_t own_id(void)
{
	static domid_t id = DOMID_INVALID;

	for (domid_t i = 0; id == DOMID_INVALID && i < 20000; i++) {
		struct evtchn_status s = {i, 1, 0, 0, {{0, 0}}};

		if (i != bench.neighbour && CALL2(event_channel_op, EVTCHNOP_status, &s) != -ESRCH)
			id = i;
	}
	return id;
}
