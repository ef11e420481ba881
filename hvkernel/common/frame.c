/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame allocator: buddies by order, in two zones (always mapped or not). */
#include "asm/machphys.h"
#include "cpus.h"
#include "domain.h"
#include "frame.h"
#include "guest.h"
#include "lib.h"
#include "sched.h"
#include "tlb.h"

#define DIRECT_RESERVE 256 /* frames of the direct zone that guests leave to the hypervisor */

struct page *frame_table;
mfn_t max_frame, direct_frames;
ulong total_frames, free_frames;

static struct list free_lists[2][MAX_ORDER + 1];
static ulong zone_free[2];

static unsigned int zone_index(mfn_t mfn)
{
	return mfn >= direct_frames;
}

static struct list *free_list(unsigned int zone, unsigned int order)
{
	struct list *head = &free_lists[zone][order];

	if (!head->next)
		list_init(head);
	return head;
}

static void block_put(mfn_t mfn, unsigned int order)
{
	struct page *page = &frame_table[mfn];

	page->free_head = 1;
	page->order = (u8)order;
	list_insert(free_list(zone_index(mfn), order)->next, &page->node);
}

static void block_take(struct page *page)
{
	page->free_head = 0;
	list_remove(&page->node);
}

void frame_free(mfn_t mfn, unsigned int order)
{
	for (mfn_t i = mfn; i < mfn + (1ul << order); i++) {
		frame_table[i].owner = OWNER_FREE;
		frame_table[i].free_head = 0;
		frame_table[i].refs = frame_table[i].type = 0;
	}
	free_frames += 1ul << order;
	zone_free[zone_index(mfn)] += 1ul << order;
	for (; order < MAX_ORDER; order++) {
		mfn_t buddy = mfn ^ (1ul << order);
		struct page *page = page_of(buddy);

		if (!page || page->owner != OWNER_FREE || !page->free_head ||
		    page->order != order || zone_index(buddy) != zone_index(mfn))
			break;
		block_take(page);
		mfn &= ~(1ul << order);
	}
	block_put(mfn, order);
}

/* In the largest blocks that are aligned to their size and lie in one zone. */
void frames_add(mfn_t start, mfn_t end)
{
	while (start < end) {
		unsigned int order = 0;

		while (order < MAX_ORDER && !(start & (1ul << order)) &&
		       start + (2ul << order) <= end &&
		       zone_index(start) == zone_index(start + (2ul << order) - 1))
			order++;
		for (mfn_t mfn = start; mfn < start + (1ul << order); mfn++)
			frame_table[mfn].stamp = 0;
		total_frames += 1ul << order;
		frame_free(start, order);
		start += 1ul << order;
	}
}

static mfn_t take(unsigned int zone, unsigned int order)
{
	for (unsigned int o = order; o <= MAX_ORDER; o++) {
		struct list *head = free_list(zone, o);
		struct page *page;
		mfn_t mfn;

		if (list_empty(head))
			continue;
		page = list_entry(head->next, struct page, node);
		mfn = mfn_of(page);
		block_take(page);
		while (o-- > order)
			block_put(mfn + (1ul << o), o);
		for (mfn_t i = mfn; i < mfn + (1ul << order); i++)
			frame_table[i].owner = OWNER_HV;
		free_frames -= 1ul << order;
		zone_free[zone] -= 1ul << order;
		return mfn;
	}
	return INVALID_MFN;
}

mfn_t frame_alloc(unsigned int order, enum zone zone)
{
	mfn_t mfn = INVALID_MFN;

	if (order > MAX_ORDER)
		return INVALID_MFN;
	if (zone == ZONE_ANY)
		mfn = take(1, order);
	if (mfn == INVALID_MFN &&
	    (zone == ZONE_DIRECT || zone_free[0] >= DIRECT_RESERVE + (1ul << order)))
		mfn = take(0, order);
	return mfn;
}

/* The last owner may still know these frames: nobody who has not flushed since may go on. */
static void flush_last_owner(mfn_t mfn, ulong count)
{
	u32 stamp = frame_table[mfn].stamp;

	for (mfn_t i = mfn; i < mfn + count; i++)
		if ((s32)(frame_table[i].stamp - stamp) > 0)
			stamp = frame_table[i].stamp;
	tlb_flush_since(stamp);
}

static u32 fail_at;

void allocation_fail_at(u32 n)
{
	fail_at = n;
}

bool allocation_fails(const char *who)
{
	if (!fail_at || --fail_at)
		return false;
	printk("no memory for %s (fault injection)\n", who);
	return true;
}

void *hv_alloc_for(unsigned int order, const char *who)
{
	mfn_t mfn = allocation_fails(who) ? INVALID_MFN : frame_alloc(order, ZONE_DIRECT);
	void *memory;

	if (mfn == INVALID_MFN)
		return NULL;
	flush_last_owner(mfn, 1ul << order);
	memory = direct_address(mfn);
	memset(memory, 0, PAGE_SIZE << order);
	return memory;
}

void hv_free(void *memory, unsigned int order)
{
	frame_free(direct_frame(memory), order);
}

void *domain_hv_alloc_for(struct domain *d, unsigned int order, const char *who)
{
	void *memory;

	if (d->hv_frames + (1ul << order) > d->hv_frames_max)
		return NULL;
	memory = hv_alloc_for(order, who);
	if (memory)
		d->hv_frames += 1ul << order;
	return memory;
}

void domain_hv_free(struct domain *d, void *memory, unsigned int order)
{
	d->hv_frames -= 1ul << order;
	hv_free(memory, order);
}

static void give(struct domain *d, struct page *page)
{
	page->refs = PG_ALLOCATED | 1;
	page->type = PT_NONE;
	page->owner = d->slot;
	list_insert(&d->pages, &page->node);
	d->held_pages++;
}

mfn_t domain_frames_alloc_for(struct domain *d, unsigned int order, const char *who)
{
	ulong count = 1ul << order;
	mfn_t mfn;

	if (order > MAX_ORDER || d->dying || d->tot_pages + count > d->max_pages)
		return INVALID_MFN;
	mfn = allocation_fails(who) ? INVALID_MFN : frame_alloc(order, ZONE_ANY);
	if (mfn == INVALID_MFN)
		return mfn;
	flush_last_owner(mfn, count);
	for (mfn_t i = mfn; i < mfn + count; i++) {
		void *at = map_frame(i);

		memset(at, 0, PAGE_SIZE);
		unmap_frame(at);
		give(d, &frame_table[i]);
	}
	d->tot_pages += count;
	return mfn;
}

void *domain_shared_alloc(struct domain *d)
{
	void *memory = domain_hv_alloc(d, 0);
	struct page *page;

	if (!memory)
		return NULL;
	page = &frame_table[direct_frame(memory)];
	give(d, page);
	/* One use as writable memory for ever: it never becomes a table. */
	page->type = PT_WRITABLE | PT_VALIDATED | 1;
	page->spare = 1;
	machphys_set(mfn_of(page), INVALID_MFN - 1);
	return memory;
}

bool page_get(struct page *page, const struct domain *d)
{
	if (page->owner != d->slot || !(page->refs & PG_REFS) ||
	    (page->refs & PG_REFS) >= PG_REFS_MAX)
		return false;
	page->refs++;
	return true;
}

void page_put(struct page *page)
{
	struct domain *d;

	ASSERT(page->refs & PG_REFS);
	if (--page->refs & PG_REFS)
		return;
	d = domain_in_slot(page->owner);
	ASSERT(d && !(page->refs & PG_ALLOCATED));
	list_remove(&page->node);
	d->held_pages--;
	if (page->spare)
		d->hv_frames--;
	else
		d->tot_pages--;
	page->spare = 0;
	page->stamp = tlb_clock;
	machphys_set(mfn_of(page), INVALID_MFN);
	frame_free(mfn_of(page), 0);
	if (d->dying && !d->held_pages)
		raise_softirq(SOFTIRQ_REAP);
}

void page_give_up(struct page *page)
{
	if (!(page->refs & PG_ALLOCATED))
		return;
	page->refs &= ~PG_ALLOCATED;
	page_put(page);
}
