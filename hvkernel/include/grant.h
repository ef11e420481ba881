/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HV_GRANT_H
#define HV_GRANT_H

#include "abi/grant.h"
#include "domain.h"
#include "frame.h"

#define GRANT_FRAMES_MAX    32
#define GRANTS_PER_FRAME    (PAGE_SIZE / sizeof(struct grant_entry))
#define MAPTRACK_FRAMES_MAX 32
#define GRANT_RESERVED      8 /* 0: console, 1: xenstore */

/* How often an entry is in use, kept where the guest cannot write. */
struct grant_active {
	u16 readers, writers;
	mfn_t mfn;
	domid_t domid;
};
#define ACTIVE_PER_PAGE (PAGE_SIZE / sizeof(struct grant_active))
/* How many pages of them go with so many frames of entries. */
#define ACTIVE_PAGES_OF(frames)                                                                    \
	(((frames) * GRANTS_PER_FRAME + ACTIVE_PER_PAGE - 1) / ACTIVE_PER_PAGE)
#define ACTIVE_PAGES ACTIVE_PAGES_OF(GRANT_FRAMES_MAX)

/* One mapping that this domain has made of a grant of another. */
struct grant_maptrack {
	u64 host_addr;
	mfn_t mfn;
	paddr_t pte; /* machine address of the entry that was written */
	u32 ref;
	domid_t dom;
	u16 flags; /* GNTMAP_*; 0: free */
	u32 next_free;
};
#define MAPTRACK_PER_FRAME (PAGE_SIZE / sizeof(struct grant_maptrack))

struct grant_table {
	unsigned int frames, max_frames;
	struct grant_entry *shared[GRANT_FRAMES_MAX];
	struct grant_active *active[ACTIVE_PAGES]; /* one for each entry there may be */
	unsigned int maptrack_frames;
	u32 free_handle; /* first of the free ones, +1; 0: none */
	struct grant_maptrack *maptrack[MAPTRACK_FRAMES_MAX];
};

_Static_assert(sizeof(struct grant_table) <= PAGE_SIZE, "it is allocated as a page");

long grant_table_op(ulong *args);
int grants_create(struct domain *d);
int grants_grow(struct domain *d, unsigned int frames);
/* Undoes the mappings that a dying domain has made; -ECONTINUE: not all yet. */
int grants_release_maps(struct domain *d);
void grants_free(struct domain *d);

/* Takes a reference to what (d, ref) grants to `to`, and counts it as a reader or writer; returns
 * GNTST_*. */
int grant_acquire(struct domain *d, u32 ref, const struct domain *to, bool write,
		  struct page **page);
void grant_release(struct domain *d, u32 ref, bool write, struct page *page);
void grant_copy_one(struct grant_copy *op);

/* By pv: maps and unmaps at `host_addr` of the current address space. */
int grant_pte_map(u64 host_addr, u32 flags, struct page *page, paddr_t *pte);
int grant_pte_unmap(u64 host_addr, u32 flags, mfn_t mfn, paddr_t pte);

#endif
