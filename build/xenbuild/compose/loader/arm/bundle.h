/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the composer (compose/arm.py) writes into the loader: where everything lies in the bundle.
 * Offsets count from the bundle's first byte. The structure lies at offset 64, right behind the
 * header of the Linux Image (arm64) or zImage (armv7) protocol, so that it is found without
 * symbols.
 */
#ifndef LOADER_BUNDLE_H
#define LOADER_BUNDLE_H

#include "types.h"

struct extent {
	u32 offset;
	u32 size;
};

struct part {
	struct extent extent;
	struct extent title; /* what messages call it */
	u32 crc32;           /* zlib's */
};

struct bundle {
	char magic[8];   /* "xenbuild" */
	u32 version;     /* of this layout: 2 */
	u32 loader_size; /* the loader's memory: code, data, bss, stack (set by the linker) */
	u32 total_size;  /* the bundle's memory, from its first byte to the end of the last part */
	u32 memory_needed;          /* MiB of RAM for this bundle, Xen, dom0 and guests */
	struct extent tree;         /* buffer for the new device tree */
	struct extent xen_cmdline;  /* without a NUL */
	struct extent dom0_cmdline; /* without a NUL */
	struct extent manifest;     /* JSON for `xenbuild inspect`; the loader does not read it */
	struct extent domains; /* device tree: its root's children go to /chosen, see chosen.h */
	struct extent parts;   /* array of struct part */
	struct extent xen;
	struct extent kernel;    /* dom0's; size 0: there is no dom0 */
	struct extent initramfs; /* dom0's; size 0: it has none */
};

_Static_assert(sizeof(struct bundle) == 96, "compose/arm.py and entry.S know this layout");

/* Defined in entry.S at offset 64. */
extern const struct bundle bundle __attribute__((visibility("hidden")));

#endif
