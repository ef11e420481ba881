/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The security boundary of PV: what a frame may be used for. A use (an entry that maps it writable,
 * an entry of the table above it, a base pointer, a pin) takes a reference to its type, and a frame
 * has one type at a time: so a guest can read its tables, but only the hypervisor writes them, and
 * every entry of a table was checked when it was written or when the frame became a table.
 *
 * The same code serves PAE and 4-level paging (asm/geometry.h). hv_lock is held.
 */
#ifndef HV_PAGETYPE_H
#define HV_PAGETYPE_H

#include "asm/pte.h"
#include "domain.h"
#include "frame.h"

/* One more use of the frame as `type`; who calls holds a reference to it. -EBUSY: it is used for
 * something else; -EINVAL: its contents are not valid for a table of that type. */
int page_get_type(struct page *page, u32 type);
void page_put_type(struct page *page);
/* Reference and type at once, of a frame of d. */
int page_get_both(mfn_t mfn, struct domain *d, u32 type, struct page **page);
void page_put_both(struct page *page);

/*
 * Writes an entry of a frame that is a table of `d` (its type is held or known to be used).
 * Frames that an L1 entry maps belong to `owner`: d itself, unless dom0 works for another domain.
 */
int table_update(struct page *page, unsigned int index, u64 entry, struct domain *d,
		 struct domain *owner, bool preserve_ad);
/* Puts an L1 entry that the caller has taken references for (a grant), and drops the old one's. */
int table_set_granted(struct page *page, unsigned int index, u64 entry);
u64 table_read(struct page *page, unsigned int index);

static inline bool type_is_table(u32 type)
{
	return (type & PT_TYPE) >= PT_L1 && (type & PT_TYPE) <= PT_L2_TOP;
}

/* descriptor.c: may a page, or one entry, be in a GDT or LDT? It may be changed to fit. */
bool descriptor_check(u64 *descriptor);
bool descriptors_check(struct page *page);

/* By the arch: */
u64 hv_root_entry(unsigned int index); /* the hypervisor's own entries of a guest's table */
void root_changed(struct domain *d, struct page *root);
bool io_frame_allowed(const struct domain *d, mfn_t mfn);

#endif
