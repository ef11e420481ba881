/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages by a bitmap, and malloc() in pages that are cut into pieces of one size each. */
#include "memory.h"

#include "pagetable.h"
#include "stdlib.h"
#include "string.h"

#define SMALLEST 16 /* a piece of class 1; each class is twice the one before */
#define CLASSES  8
#define RUN                                                                                        \
	0x80000000u /* in `notes`: the first page of a block of pages, whose number is the rest */

static unsigned long page_count, page_hint, free_count;
static u32 *free_map; /* a bit a page, set: free */
static u32 *notes;    /* of pages that malloc() has: the class of their pieces, or RUN */

struct piece {
	struct piece *next;
};

static struct piece *pieces[CLASSES + 1];

static bool is_free(pfn_t pfn)
{
	return free_map[pfn / 32] >> pfn % 32 & 1;
}

static void give(pfn_t pfn)
{
	free_map[pfn / 32] |= 1u << pfn % 32;
	free_count++;
}

/*
 * Xen mapped what lies up to the page tables and some more (public/xen.h, "initial memory layout").
 * Behind that are our tables of pages; then everything else is mapped by and by.
 */
void memory_start(void)
{
	pfn_t first = page_of((void *)start_info->pt_base) + start_info->nr_pt_frames;
	unsigned long words;
	pfn_t mapped;

	page_count = pagetable_limit(start_info->nr_pages);
	words = (page_count + 31) / 32;
	free_map = page_va(first);
	notes = free_map + words;
	first += pages_for((words + page_count) * sizeof(u32));
	mapped = pagetable_mapped(first);
	if (mapped < first)
		panic("the boot memory is too small");
	memset(free_map, 0, (words + page_count) * sizeof(u32));
	for (pfn_t pfn = first; pfn < mapped; pfn++)
		give(pfn);
	page_hint = first;
	for (; mapped < page_count; mapped++) {
		pagetable_map_own(mapped, page_count);
		give(mapped);
	}
	pagetable_window(page_count);
}

static bool run_free(pfn_t start, unsigned long count)
{
	for (unsigned long i = 0; i < count; i++)
		if (!is_free(start + i))
			return false;
	return true;
}

static pfn_t find(pfn_t from, pfn_t to, unsigned long count)
{
	for (pfn_t pfn = from; pfn + count <= to; pfn++) {
		if (!free_map[pfn / 32])
			pfn |= 31;
		else if (run_free(pfn, count))
			return pfn;
	}
	return 0;
}

void *pages_alloc(unsigned long count)
{
	pfn_t pfn = 0;

	if (count && count <= free_count) {
		pfn = find(page_hint, page_count, count);
		if (!pfn)
			pfn = find(1, page_count, count);
	}
	if (!pfn)
		return NULL;
	for (unsigned long i = 0; i < count; i++)
		free_map[(pfn + i) / 32] &= ~(1u << (pfn + i) % 32);
	free_count -= count;
	page_hint = pfn + count;
	return memset(page_va(pfn), 0, count << PAGE_SHIFT);
}

void pages_free(void *pages, unsigned long count)
{
	pfn_t pfn = page_of(pages);

	for (unsigned long i = 0; i < count; i++)
		give(pfn + i);
	if (pfn < page_hint)
		page_hint = pfn;
}

unsigned long pages_left(void)
{
	return free_count;
}

static u32 class_of(size_t size)
{
	u32 class = 1;

	while ((size_t)SMALLEST << (class - 1) < size)
		class ++;
	return class;
}

static bool cut_page(u32 class)
{
	size_t size = (size_t)SMALLEST << (class - 1);
	char *page = pages_alloc(1);

	if (!page)
		return false;
	notes[page_of(page)] = class;
	for (size_t at = 0; at < PAGE_SIZE; at += size) {
		struct piece *piece = (void *)(page + at);

		piece->next = pieces[class];
		pieces[class] = piece;
	}
	return true;
}

void *malloc(size_t size)
{
	struct piece *piece;
	u32 class;

	if (!size)
		size = 1;
	class = class_of(size);
	if (class > CLASSES) {
		unsigned long count = pages_for(size);
		void *pages = pages_alloc(count);

		if (pages)
			notes[page_of(pages)] = RUN | (u32)count;
		return pages;
	}
	if (!pieces[class] && !cut_page(class))
		return NULL;
	piece = pieces[class];
	pieces[class] = piece->next;
	return piece;
}

void *calloc(size_t count, size_t size)
{
	size_t bytes;
	void *made;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	made = malloc(bytes);
	return made ? memset(made, 0, bytes) : NULL;
}

static size_t size_of(const void *block)
{
	u32 note = notes[page_of(block)];

	if (note & RUN)
		return (size_t)(note & ~RUN) << PAGE_SHIFT;
	return (size_t)SMALLEST << (note - 1);
}

void free(void *block)
{
	struct piece *piece = block;
	u32 note;

	if (!block)
		return;
	note = notes[page_of(block)];
	if (note & RUN) {
		notes[page_of(block)] = 0;
		pages_free(block, note & ~RUN);
		return;
	}
	if (!note)
		panic("free() of what malloc() did not give");
	piece->next = pieces[note];
	pieces[note] = piece;
}

void *realloc(void *block, size_t size)
{
	size_t old;
	void *made;

	if (!block)
		return malloc(size);
	old = size_of(block);
	if (size <= old && size > old / 4)
		return block;
	made = malloc(size);
	if (made) {
		memcpy(made, block, old < size ? old : size);
		free(block);
	}
	return made;
}
