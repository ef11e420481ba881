/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device tree that is being written: bytes behind each other in a buffer that may become full. */
#ifndef LOADER_OUTPUT_H
#define LOADER_OUTPUT_H

#include "fdt.h"

struct output {
	u8 *base;
	u32 at, room;
	bool full;
	u32 old_names;    /* size of the old strings block */
	u32 domain_names; /* where the strings of `domains` begin in the new block */
};

void put_bytes(struct output *out, const void *bytes, u32 size);
void put_be32(struct output *out, u32 n);
/* A number of 1 or 2 cells. */
void put_number(struct output *out, u64 n, u32 cells);
void pad4(struct output *out);
/* The beginning of a property whose name lies at offset `name` of the new strings block. */
void put_head(struct output *out, u32 name, u32 size);

#endif
