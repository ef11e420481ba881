/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables with 64-bit entries: PAE's three levels and the four of x86-64 (Intel SDM vol.
 * 3, 4.4, 4.5). */
#include "pagetable.h"

#include "base.h"
#include "hypercall.h"
#include "memory.h"
#include "window.h"

#define ENTRIES    512
#define FRAME_MASK 0x000ffffffffff000ull
#define TABLE      0x67ull /* present, writable, user, accessed, dirty */
#define BATCH      64

static u64 *top_table(void)
{
	return (u64 *)start_info->pt_base;
}

static u64 *table_of(u64 entry)
{
	return page_va(page_of_frame((mfn_t)((entry & FRAME_MASK) >> PAGE_SHIFT)));
}

static unsigned int index_at(unsigned long va, int level)
{
	return va >> (PAGE_SHIFT + 9 * (level - 1)) & (ENTRIES - 1);
}

static void update(u64 *entry, u64 value)
{
	struct mmu_update request = {machine_address(entry) | MMU_NORMAL, value};

	if (hypercall(HC_MMU_UPDATE, (unsigned long)&request, 1, 0, DOMID_SELF))
		panic("a page table entry was refused");
}

/* Hook in a table; no page that is a table may be writable for us. */
static void hook(u64 *entry, void *table)
{
	u64 address = machine_address(table);

	if (hc_update_va_mapping((unsigned long)table, address | PTE_READONLY, UVMF_INVLPG))
		panic("a page cannot be made read-only");
	update(entry, address | (PT_LEVELS == 3 && entry >= top_table() && entry < top_table() + 4
				     ? PTE_PRESENT
				     : TABLE));
}

/* The entry of level 1 for an address; tables on the way are made with `make`, else NULL. */
static u64 *entry_of(unsigned long va, bool make)
{
	u64 *table = top_table();

	for (int level = PT_LEVELS; level > 1; level--) {
		u64 *entry = &table[index_at(va, level)];

		if (!(*entry & PTE_PRESENT)) {
			void *page = make ? pages_alloc(1) : NULL;

			if (!page) {
				if (make)
					panic("no memory for page tables");
				return NULL;
			}
			hook(entry, page);
		}
		table = table_of(*entry);
	}
	return &table[index_at(va, 1)];
}

unsigned long pagetable_limit(unsigned long pages)
{
	unsigned long most = (WINDOW_END >> PAGE_SHIFT) - WINDOW_PAGES;

	return pages < most ? pages : most;
}

pfn_t pagetable_mapped(pfn_t pfn)
{
	for (;; pfn++) {
		u64 *entry = entry_of(pfn << PAGE_SHIFT, false);

		if (!entry || !(*entry & PTE_PRESENT))
			return pfn;
	}
}

void pagetable_map_own(pfn_t pfn, pfn_t end)
{
	unsigned long va = pfn << PAGE_SHIFT;
	u64 *table = top_table(), *entry = NULL;
	u64 *page;

	for (int level = PT_LEVELS; level > 1; level--) {
		entry = &table[index_at(va, level)];
		if (!(*entry & PTE_PRESENT)) {
			if (level == 2)
				break;
			entry_of(va, true); /* makes an empty table of level 1 as well */
		}
		table = table_of(*entry);
	}
	if (*entry & PTE_PRESENT) {
		if (!(table[index_at(va, 1)] & PTE_PRESENT))
			update(&table[index_at(va, 1)],
			       (u64)frame_of(pfn) << PAGE_SHIFT | PTE_KERNEL);
		return;
	}
	page = pages_alloc(1); /* filled before Xen looks at it: one call for 512 pages */
	if (!page)
		panic("no memory for page tables");
	for (unsigned int i = index_at(va, 1); i < ENTRIES && pfn < end; i++, pfn++)
		page[i] = (u64)frame_of(pfn) << PAGE_SHIFT | PTE_KERNEL;
	hook(entry, page);
}

static unsigned long window_start;
static u32 window_used[WINDOW_PAGES / 32];
static unsigned long window_hint;

void pagetable_window(unsigned long pages)
{
	hc_update_va_mapping(0, 0, UVMF_INVLPG); /* what NULL points to */
	window_start = ((pages << PAGE_SHIFT) + (4ul << 20)) & ~((2ul << 20) - 1);
}

static bool used(unsigned long page)
{
	return window_used[page / 32] >> page % 32 & 1;
}

static void mark(unsigned long page, unsigned long count, bool taken)
{
	for (unsigned long i = page; i < page + count; i++) {
		if (taken)
			window_used[i / 32] |= 1u << i % 32;
		else
			window_used[i / 32] &= ~(1u << i % 32);
	}
}

void *window_alloc(unsigned long count)
{
	unsigned long run = 0;

	for (unsigned long tried = 0; count && tried < 2 * WINDOW_PAGES; tried++) {
		unsigned long page = window_hint;

		window_hint = (window_hint + 1) % WINDOW_PAGES;
		run = used(page) ? 0 : page ? run + 1 : 1;
		if (run == count) {
			unsigned long first = page + 1 - count;

			mark(first, count, true);
			for (unsigned long i = first; i <= page; i++)
				entry_of(window_start + (i << PAGE_SHIFT), true);
			return (void *)(window_start + (first << PAGE_SHIFT));
		}
	}
	return NULL;
}

void window_free(void *va, unsigned long count)
{
	mark(((unsigned long)va - window_start) >> PAGE_SHIFT, count, false);
}

int map_frames(void *va, const mfn_t *frames, unsigned long count, domid_t dom, u64 flags)
{
	struct mmu_update requests[BATCH];

	for (unsigned long done = 0; done < count;) {
		unsigned long n = 0;
		long rc;

		for (; n < BATCH && done + n < count; n++) {
			unsigned long at = (unsigned long)va + ((done + n) << PAGE_SHIFT);

			requests[n].ptr = machine_address(entry_of(at, true)) | MMU_NORMAL;
			requests[n].val = (u64)frames[done + n] << PAGE_SHIFT | flags;
		}
		rc = hypercall(HC_MMU_UPDATE, (unsigned long)requests, n, 0, dom);
		if (rc) {
			unmap_frames(va, done + n);
			return (int)rc;
		}
		done += n;
	}
	return 0;
}

void unmap_frames(void *va, unsigned long count)
{
	for (unsigned long i = 0; i < count; i++)
		hc_update_va_mapping((unsigned long)va + (i << PAGE_SHIFT), 0, UVMF_INVLPG);
}

void *map_foreign(const mfn_t *frames, unsigned long count, domid_t dom, u64 flags)
{
	void *va = window_alloc(count);

	if (va && map_frames(va, frames, count, dom, flags)) {
		window_free(va, count);
		return NULL;
	}
	return va;
}

void *map_device(u64 address, unsigned long size)
{
	unsigned long count = pages_for((unsigned long)(address & (PAGE_SIZE - 1)) + size);
	char *va = window_alloc(count);

	for (unsigned long done = 0, n; va && done < count; done += n) {
		mfn_t frames[BATCH];

		for (n = 0; n < BATCH && done + n < count; n++)
			frames[n] = (mfn_t)(address >> PAGE_SHIFT) + done + n;
		if (map_frames(va + (done << PAGE_SHIFT), frames, n, DOMID_IO,
			       PTE_KERNEL | PTE_UNCACHED)) {
			unmap_foreign(va, count);
			return NULL;
		}
	}
	return va ? va + (address & (PAGE_SIZE - 1)) : NULL;
}

void unmap_foreign(void *va, unsigned long count)
{
	unmap_frames(va, count);
	window_free(va, count);
}

void map_for_user(void *va, unsigned long count, bool writable)
{
	u64 flags = (writable ? PTE_KERNEL : PTE_READONLY) | PTE_USER;

	for (unsigned long i = 0; i < count; i++) {
		unsigned long at = (unsigned long)va + (i << PAGE_SHIFT);

		if (hc_update_va_mapping(at, machine_address((void *)at) | flags, UVMF_INVLPG))
			panic("a page cannot be given to applications");
	}
}
