/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machine memory: one `struct page` for every frame of RAM, and who has it. All of it is guarded
 * by hv_lock. */
#ifndef HV_FRAME_H
#define HV_FRAME_H

#include "list.h"
#include "types.h"

/* Owners: the slot of a domain, or one of these. */
#define OWNER_FREE 255
#define OWNER_HV   254 /* the hypervisor's own memory, never seen by a guest */
#define OWNER_IO   253 /* no RAM: a hole, a device, the firmware's */

/* page.refs: how many page-table entries, base pointers, grants, calls under way hold the frame;
 * with PG_ALLOCATED one of them is the owner's own. */
#define PG_ALLOCATED 0x80000000u
#define PG_REFS      0x7fffffffu
#define PG_REFS_MAX  0x40000000u

/*
 * page.type: what the frame may be used for now, and how many uses rely on it (pv/pagetype.h). A
 * frame is never writable for a guest and a table at the same time.
 */
#define PT_NONE      0x00000000u
#define PT_L1        0x10000000u
#define PT_L2        0x20000000u
#define PT_L3        0x30000000u
#define PT_L4        0x40000000u
#define PT_L2_TOP    0x50000000u /* PAE: the L2 that also maps the hypervisor */
#define PT_DESC      0x60000000u /* segment descriptors */
#define PT_WRITABLE  0x70000000u
#define PT_TYPE      0xf0000000u
#define PT_PINNED    0x08000000u
#define PT_VALIDATED 0x04000000u
#define PT_COUNT     0x03ffffffu

struct page {
	u32 refs;
	u32 type;
	u32 stamp; /* TLB clock (tlb.h) when the last use of its type, or of it all, ended */
	u8 owner;
	u8 order; /* of a free block that begins here */
	u8 free_head;
	u8 spare;         /* of a domain: it is a shared page of the hypervisor */
	struct list node; /* free list or the owner's list */
};

extern struct page *frame_table;
extern mfn_t max_frame;     /* frames from here on are no RAM */
extern mfn_t direct_frames; /* frames below this are always mapped (direct map) */
extern ulong total_frames;  /* of RAM */
extern ulong free_frames;

static inline mfn_t mfn_of(const struct page *page)
{
	return (mfn_t)(page - frame_table);
}

/* NULL: the frame is not RAM. */
static inline struct page *page_of(mfn_t mfn)
{
	return mfn < max_frame && frame_table[mfn].owner != OWNER_IO ? &frame_table[mfn] : NULL;
}

enum zone { ZONE_DIRECT, ZONE_ANY };

#define MAX_ORDER 18

/* 2^order frames, aligned to their size, with the owner OWNER_HV; INVALID_MFN if there are none.
 * ZONE_DIRECT: for the hypervisor itself. ZONE_ANY leaves it a reserve. */
mfn_t frame_alloc(unsigned int order, enum zone zone);
void frame_free(mfn_t mfn, unsigned int order);
/* Gives [start, end) to the allocator; before that all frames are OWNER_IO. */
void frames_add(mfn_t start, mfn_t end);

/* Zeroed memory for the hypervisor; NULL if there is none. */
void *hv_alloc_for(unsigned int order, const char *who);
#define hv_alloc(order) hv_alloc_for(order, __func__)
void hv_free(void *memory, unsigned int order);

struct domain;

/* The same on behalf of a domain, which is charged with it; NULL also when it has all that it may
 * have of it (domain.c). */
void *domain_hv_alloc_for(struct domain *d, unsigned int order, const char *who);
#define domain_hv_alloc(d, order) domain_hv_alloc_for(d, order, __func__)
void domain_hv_free(struct domain *d, void *memory, unsigned int order);

/* Fault injection: the n-th allocation from now on finds no memory, and says for whom or what; 0:
 * none. */
void allocation_fail_at(u32 n);
bool allocation_fails(const char *who);

/* 2^order zeroed frames for a domain, within its limit; INVALID_MFN if that cannot be. */
mfn_t domain_frames_alloc_for(struct domain *d, unsigned int order, const char *who);
#define domain_frames_alloc(d, order) domain_frames_alloc_for(d, order, __func__)
/* A page of the hypervisor's memory, charged to the domain, that it may map as well (shared_info,
 * grant table). */
void *domain_shared_alloc(struct domain *d);

/* A reference on a frame that belongs to `d`; false if it is not d's, or there are too many. */
bool page_get(struct page *page, const struct domain *d);
void page_put(struct page *page);
/* The owner gives the frame back: it is free as soon as nobody holds it. */
void page_give_up(struct page *page);

#endif
