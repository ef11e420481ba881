/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the composer (compose/x86.py) tells the loader. The anchor is part of the linked loader and
 * patched by the composer; the table is a segment of its own. All numbers are little-endian, all
 * addresses physical.
 */
#ifndef XENBUILD_BUNDLE_H
#define XENBUILD_BUNDLE_H

#include "types.h"

#define ANCHOR_MAGIC "XENBUILD-X86-1\0" /* 16 bytes with the final zero */

struct anchor {
	char magic[16];
	uint32_t table, table_size, table_crc;
	uint32_t image_end; /* end of the last part */
};

struct part {
	uint32_t name;    /* string */
	uint32_t cmdline; /* string; only read if `module` */
	uint32_t start, size, crc;
	uint32_t
	    module; /* 1: the hypervisor gets it as a module; 0: it is only a source of copies */
};

/* A piece of the hypervisor: `file_size` bytes from `from` (inside a part) go to `to`, zeros up to
 * `memory_size`. */
struct copy {
	uint32_t from, to, file_size, memory_size;
};

struct table {
	uint32_t entry;   /* of the hypervisor, by multiboot 2 */
	uint32_t cmdline; /* the hypervisor's, without a file name in front */
	uint32_t parts, part_count;
	uint32_t copies, copy_count;
};

extern volatile const struct anchor anchor;

#endif
