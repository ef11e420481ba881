/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first page tables of a new domain. In arch/. */
#ifndef DOM0_TABLES_H
#define DOM0_TABLES_H

#include "foreign.h"

struct range {
	u64 va; /* at a page's start */
	pfn_t page;
	unsigned long count;
};

/* How many pages of tables map the ranges. */
u32 tables_count(const struct range *ranges, u32 range_count);
/*
 * Write them to the pages from `first` on, the top one first; the domain may only read those. False
 * without memory, or if a page cannot be mapped.
 */
bool tables_write(const struct foreign *foreign, const struct range *ranges, u32 range_count,
		  pfn_t first);

#endif
