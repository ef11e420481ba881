/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables of a PV guest: Xen lets it read them, and changes them on request. In arch/. */
#ifndef BASE_PAGETABLE_H
#define BASE_PAGETABLE_H

#include "xen.h"

#define PTE_PRESENT  1ull
#define PTE_WRITE    2ull
#define PTE_USER     4ull
#define PTE_UNCACHED 0x18ull
#define PTE_KERNEL   0x63ull /* present, writable, accessed, dirty */
#define PTE_READONLY 0x61ull

/* How many of `pages` fit into the address space. */
unsigned long pagetable_limit(unsigned long pages);
/* The first page from `pfn` on that is not mapped yet. */
pfn_t pagetable_mapped(pfn_t pfn);
/* Map the page `pfn` (and, where it starts a new table, those that the table reaches, up to `end`).
 */
void pagetable_map_own(pfn_t pfn, pfn_t end);
/* Make the window behind the domain's own pages, which are `pages`. */
void pagetable_window(unsigned long pages);

/* Pages of address space in the window, with tables but without content; NULL if there is no room.
 */
void *window_alloc(unsigned long count);
void window_free(void *va, unsigned long count);

/*
 * Map frames of a domain (DOMID_SELF, DOMID_IO for devices) at `va`, which is ours from
 * window_alloc(). 0 or Xen's negative error; nothing is mapped then.
 */
int map_frames(void *va, const mfn_t *frames, unsigned long count, domid_t dom, u64 flags);
void unmap_frames(void *va, unsigned long count);
/* The same with window_alloc() and window_free(); NULL if it failed. */
void *map_foreign(const mfn_t *frames, unsigned long count, domid_t dom, u64 flags);
void *map_device(u64 address, unsigned long size);
void unmap_foreign(void *va, unsigned long count);

/* Let applications use pages of ours. */
void map_for_user(void *va, unsigned long count, bool writable);

#endif
