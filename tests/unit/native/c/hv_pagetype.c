/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvkernel's page types and frame allocator under random requests of two hostile domains. After
 * every step all references and types are counted anew from the tables themselves, and must agree;
 * a TLB that forgets nothing by itself must never know a table, or another domain's frame, as
 * writable.
 */
#include <stdio.h>
#include <stdlib.h>

#include "asm/geometry.h"
#include "cpus.h"
#include "errno.h"
#include "guest.h"
#include "lib.h"
#include "pagetype.h"
#include "sched.h"
#include "tlb.h"

#define HV_FRAMES      16 /* never given to the allocator */
#define BAD_DESCRIPTOR 0xbadull

u8 machine[FRAMES][PAGE_SIZE] __attribute__((aligned(4096)));
u64 pte_nx = PTE_NX;
u32 tlb_clock = 1;
struct domain *domains[MAX_DOMAINS];
static struct domain one, two;
static struct page table_of_frames[FRAMES];
static u32 cpu_flushed;
static u8 knows[FRAMES]; /* the TLB has a writable translation for this domain (slot + 1) */
static unsigned long steps, accepted, flushes;

void printk(const char *format, ...)
{
	(void)format;
}

_Noreturn void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "panic after %lu steps: ", steps);
	vfprintf(stderr, format, args);
	exit(1);
}

void raise_softirq(unsigned int which)
{
	(void)which;
}

struct domain *domain_by_id(domid_t id)
{
	(void)id;
	return NULL;
}

void *map_frame(mfn_t mfn)
{
	return machine[mfn];
}

void unmap_frame(const void *at)
{
	(void)at;
}

u64 hv_root_entry(unsigned int index)
{
	return pte_of(1, PTE_P) + index * 0; /* a frame of the hypervisor's */
}

void root_changed(struct domain *d, struct page *root)
{
	(void)d;
	(void)root;
}

bool io_frame_allowed(const struct domain *d, mfn_t mfn)
{
	(void)mfn;
	return d == &one; /* one is dom0 */
}

bool descriptors_check(struct page *page)
{
	return *(u64 *)(void *)machine[mfn_of(page)] != BAD_DESCRIPTOR;
}

static bool is_table(const struct page *page)
{
	return type_is_table(page->type) && page->type & PT_VALIDATED;
}

/* What CPUs could have picked up: every writable entry of every L1. */
static void remember_translations(void)
{
	for (mfn_t m = HV_FRAMES; m < FRAMES; m++) {
		const struct page *page = &frame_table[m];

		if (!is_table(page) || (page->type & PT_TYPE) != PT_L1)
			continue;
		for (unsigned int i = 0; i < 512; i++) {
			u64 e = ((u64 *)(void *)machine[m])[i];

			if ((e & (PTE_P | PTE_RW)) == (PTE_P | PTE_RW) && page_of(pte_mfn(e)))
				knows[pte_mfn(e)] = (u8)(page->owner + 1);
		}
	}
}

void tlb_flush_since(u32 stamp)
{
	if ((s32)(cpu_flushed - stamp) > 0)
		return;
	memset(knows, 0, sizeof(knows));
	remember_translations();
	cpu_flushed = ++tlb_clock;
	flushes++;
}

static u32 refs[FRAMES], types[FRAMES], wanted[FRAMES];

static void count(mfn_t mfn, u32 type)
{
	refs[mfn]++;
	if (!type)
		return;
	types[mfn]++;
	wanted[mfn] = wanted[mfn] && wanted[mfn] != type ? ~0u : type;
}

static void count_entries(mfn_t m)
{
	const struct page *page = &frame_table[m];
	u32 type = page->type & PT_TYPE;
	unsigned int level = pt_level(type);

	for (unsigned int i = 0; i < pt_entries(level); i++) {
		u64 e = ((u64 *)(void *)machine[m])[i];
		struct page *target = page_of(pte_mfn(e));

		if (pt_reserved(type, i)) {
			ASSERT(e == hv_root_entry(i));
			continue;
		}
		if (!(e & PTE_P) || !target)
			continue;
		ASSERT(target->owner == page->owner);
		ASSERT(!(e & ~(PTE_MFN | pt_allowed(level))) && !(~e & pt_forced(level)));
		count(pte_mfn(e), level > 1 ? pt_child(type, i) : e & PTE_RW ? PT_WRITABLE : 0);
	}
}

static void check_all(void)
{
	memset(refs, 0, sizeof(refs));
	memset(types, 0, sizeof(types));
	memset(wanted, 0, sizeof(wanted));
	for (mfn_t m = HV_FRAMES; m < FRAMES; m++) {
		const struct page *page = &frame_table[m];

		if (page->owner == OWNER_FREE) {
			ASSERT(!page->refs && !page->type);
			continue;
		}
		refs[m] += page->refs & PG_ALLOCATED ? 1 : 0;
		if (page->type & PT_PINNED)
			count(m, page->type & PT_TYPE);
		if (is_table(page))
			count_entries(m);
	}
	for (mfn_t m = HV_FRAMES; m < FRAMES; m++) {
		const struct page *page = &frame_table[m];

		ASSERT((page->refs & PG_REFS) == refs[m]);
		ASSERT((page->type & PT_COUNT) == types[m]);
		ASSERT(!types[m] || wanted[m] == (page->type & PT_TYPE));
		/* The TLB must not know it writable if it is a table now, or somebody else's. */
		ASSERT(!knows[m] || !types[m] || wanted[m] == PT_WRITABLE);
		ASSERT(!knows[m] || page->owner == OWNER_FREE || knows[m] == page->owner + 1);
	}
}

static mfn_t some_frame(void)
{
	return (mfn_t)(rand() % (FRAMES + 2));
}

static u64 some_entry(void)
{
	static const u64 flags[] = {PTE_P,
				    PTE_P | PTE_RW,
				    PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D,
				    PTE_P | PTE_PSE,
				    PTE_P | PTE_G | PTE_RW,
				    0,
				    PTE_P | PTE_NX,
				    PTE_P | PTE_RW | 1ull << 51};

	return pte_of(some_frame(), flags[(unsigned int)rand() % ARRAY_SIZE(flags)]);
}

static struct page *some_page(const struct domain *d)
{
	for (unsigned int i = 0; i < 50; i++) {
		struct page *page = page_of(some_frame());

		if (page && page->owner == d->slot)
			return page;
	}
	return NULL;
}

/* A guest writes what it likes into memory that is no table. */
static void scribble(struct page *page)
{
	u64 *at = (u64 *)(void *)machine[mfn_of(page)];

	if (page->type & PT_COUNT && (page->type & PT_TYPE) != PT_WRITABLE)
		return;
	if (rand() % 2)
		memset(at, 0, PAGE_SIZE);
	for (int n = rand() % 5; n > 0; n--)
		at[rand() % 3 ? rand() % 4 : rand() % 512] = some_entry();
	if (!(rand() % 20))
		at[0] = BAD_DESCRIPTOR;
}

static void pin(struct domain *d, struct page *page)
{
	u32 type = (u32)(1 + rand() % 6) << 28;

	if (!page_get(page, d))
		return;
	if (page->type & PT_PINNED || page_get_type(page, type)) {
		page_put(page);
		return;
	}
	page->type |= PT_PINNED;
	accepted++;
}

static void step(struct domain *d)
{
	struct page *page = some_page(d);

	remember_translations();
	if (!page || !(rand() % 30)) {
		accepted += domain_frames_alloc(d, (unsigned int)rand() % 3) != INVALID_MFN;
		return;
	}
	switch (rand() % 10) {
	case 0:
		scribble(page);
		break;
	case 1:
		pin(d, page);
		break;
	case 2:
		if (page->type & PT_PINNED) {
			page->type &= ~PT_PINNED;
			page_put_both(page);
		}
		break;
	case 3:
		if (!(rand() % 4) && page_get(page, d)) {
			page_give_up(page);
			page_put(page);
		}
		break;
	default:
		if (page->type & PT_COUNT && type_is_table(page->type))
			accepted += !table_update(
			    page, (unsigned int)(rand() % 3 ? rand() % 4 : rand() % 520),
			    some_entry(), d, d, rand() % 2);
		else
			scribble(page);
	}
}

int main(int count_, char **words)
{
	srand(count_ > 1 ? (unsigned int)atoi(words[1]) : 1);
	frame_table = table_of_frames;
	max_frame = FRAMES;
	direct_frames = HV_FRAMES; /* what lies below is the hypervisor's reserve */
	for (mfn_t m = 0; m < HV_FRAMES; m++)
		frame_table[m].owner = m < 2 ? OWNER_IO : OWNER_HV;
	frame_table[1].owner = OWNER_HV;
	frames_add(HV_FRAMES, FRAMES);
	one.slot = 0;
	two.slot = 1;
	domains[0] = &one;
	domains[1] = &two;
	list_init(&one.pages);
	list_init(&two.pages);
	one.max_pages = two.max_pages = 80;
	for (steps = 0; steps < 40000; steps++) {
		step(rand() % 2 ? &one : &two);
		check_all();
	}
	printf("%lu steps, %lu accepted, %lu flushes\n", steps, accepted, flushes);
	if (accepted < 2000 || flushes < 20) {
		fprintf(stderr, "too little was accepted for a test\n");
		return 1;
	}
	return 0;
}
