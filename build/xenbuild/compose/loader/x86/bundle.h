/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the composer (compose/x86.py) tells the loader. The anchor is part of the linked loader and
 * patched by the composer; the table is a segment of its own. All numbers are little-endian, all
 * addresses physical.
 */
#ifndef LOADER_BUNDLE_H
#define LOADER_BUNDLE_H

#include "types.h"

#define ANCHOR_MAGIC "XENBUILD-X86-1\0" /* 16 bytes with the final zero */

struct anchor {
	char magic[16];
	u32 table, table_size, table_crc;
	u32 image_end; /* end of the last part */
};

struct part {
	u32 name;    /* string */
	u32 cmdline; /* string; only read if `module` */
	u32 start, size, crc;
	u32 module; /* 1: the hypervisor gets it as a module; 0: it is only a source of copies */
};

/* A piece of the hypervisor: `file_size` bytes from `from` (inside a part) go to `to`, zeros up to
 * `memory_size`. */
struct copy {
	u32 from, to, file_size, memory_size;
};

struct table {
	u32 entry;   /* of the hypervisor, by multiboot 2 */
	u32 cmdline; /* the hypervisor's, without a file name in front */
	u32 parts, part_count;
	u32 copies, copy_count;
};

extern volatile const struct anchor anchor;

#endif
