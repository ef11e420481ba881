/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A PV guest's kernel: an ELF file with Xen's notes (public/elfnote.h). Nothing in it is trusted.
 */
#ifndef DOM0_IMAGE_H
#define DOM0_IMAGE_H

#include "types.h"

#define MAX_LOADS  8u
#define NO_ADDRESS (~0ull)

struct image_load {
	u64 va;         /* in the guest */
	const u8 *data; /* `filled` bytes; zeros up to `size` */
	u64 filled, size;
};

struct image {
	bool wide; /* 64 bits */
	u64 base, entry, hypercall_page, init_p2m;
	bool module_by_pfn;
	u64 start, end; /* of all that is loaded */
	struct image_load loads[MAX_LOADS];
	u32 load_count;
};

/* NULL, or what is wrong with the file. */
const char *image_parse(struct image *image, const u8 *data, size_t size);

#endif
