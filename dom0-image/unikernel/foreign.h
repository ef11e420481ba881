/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another domain's memory, page by page. */
#ifndef DOM0_FOREIGN_H
#define DOM0_FOREIGN_H

#include "xen.h"

struct foreign {
	domid_t dom;
	const mfn_t *frames; /* of its pages */
	unsigned long pages;
};

/* Write or (data NULL) clear bytes from an offset in its pseudo-physical memory on. False if that
 * failed. */
bool foreign_write(const struct foreign *foreign, u64 at, const void *data, u64 size);
bool foreign_read(const struct foreign *foreign, u64 at, void *data, u64 size);
/* A page of it until foreign_unmap(); NULL if it cannot be mapped. */
void *foreign_map(const struct foreign *foreign, pfn_t page);
void foreign_unmap(void *va);

#endif
