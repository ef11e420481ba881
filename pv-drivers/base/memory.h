/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The domain's pages. Page `pfn` is mapped at virtual address pfn * 4 KiB; behind the last page
 * lies a window for frames of others and of devices (pagetable.h).
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include "base.h"

void memory_start(void);

/* `count` pages in a row (not so in the machine), zeroed; NULL if there are none. */
void *pages_alloc(unsigned long count);
void pages_free(void *pages, unsigned long count);
unsigned long pages_left(void);

static inline void *page_va(pfn_t pfn)
{
	return (void *)(pfn << PAGE_SHIFT);
}

static inline pfn_t page_of(const void *va)
{
	return (unsigned long)va >> PAGE_SHIFT;
}

/* The machine's page behind one of ours, and back (public/xen.h: mfn_list, MACH2PHYS_VIRT_START).
 */
static inline mfn_t frame_of(pfn_t pfn)
{
	return ((const mfn_t *)start_info->mfn_list)[pfn];
}

static inline pfn_t page_of_frame(mfn_t frame)
{
	return ((const pfn_t *)M2P_START)[frame];
}

static inline u64 machine_address(const void *va)
{
	return ((u64)frame_of(page_of(va)) << PAGE_SHIFT) + ((unsigned long)va & (PAGE_SIZE - 1));
}

#endif
