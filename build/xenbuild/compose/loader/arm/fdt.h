/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a flattened device tree (Devicetree Specification v0.4, chapter 5). Nothing here needs
 * alignment. A node is named by the offset of its FDT_BEGIN_NODE in the structure block.
 */
#ifndef LOADER_FDT_H
#define LOADER_FDT_H

#include "types.h"

#define FDT_MAGIC    0xd00dfeedu
#define FDT_NONE     0xffffffffu
#define FDT_MAX_SIZE 0x200000u /* Xen accepts no larger tree (MAX_FDT_SIZE) */
#define FDT_HEADER   40u

enum { FDT_BEGIN_NODE = 1, FDT_END_NODE, FDT_PROP, FDT_NOP, FDT_END = 9 };

struct fdt {
	const u8 *base;
	u32 size; /* totalsize */
	u32 reserved, structure, strings;
	u32 reserved_size, structure_size, strings_size;
	u32 boot_cpu;
};

struct fdt_value {
	const u8 *bytes;
	u32 size;
};

/* One token of the structure block. */
struct fdt_token {
	u32 tag;
	u32 next;               /* offset of the token that follows */
	const char *name;       /* FDT_BEGIN_NODE, FDT_PROP */
	struct fdt_value value; /* FDT_PROP */
};

u32 fdt_be32(const u8 *p);
/* A number of 1 or 2 cells (more: its lowest 64 bits). */
u64 fdt_number(const u8 *p, u32 cells);

/*
 * Checks the whole tree once: all other functions rely on it. Returns NULL, or what is wrong.
 */
const char *fdt_open(struct fdt *fdt, const void *blob);

/* The token at `at`; in a tree that fdt_open accepted it is always whole. */
struct fdt_token fdt_token(const struct fdt *fdt, u32 at);

u32 fdt_root(const struct fdt *fdt);
const char *fdt_name(const struct fdt *fdt, u32 node);
u32 fdt_child(const struct fdt *fdt, u32 node);
u32 fdt_sibling(const struct fdt *fdt, u32 node);
/* The offset behind the node's FDT_END_NODE. */
u32 fdt_behind(const struct fdt *fdt, u32 node);
u32 fdt_find_child(const struct fdt *fdt, u32 node, const char *name, size_t length);
bool fdt_property(const struct fdt *fdt, u32 node, const char *name, struct fdt_value *value);
u32 fdt_cells(const struct fdt *fdt, u32 node, const char *name, u32 otherwise);
/* Is `text` one of the strings of a string list property? */
bool fdt_lists(const struct fdt *fdt, u32 node, const char *property, const char *text);

#endif
