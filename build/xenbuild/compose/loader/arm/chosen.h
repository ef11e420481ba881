/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the device tree that Xen gets: the boot loader's, with /chosen telling of dom0 and guests.
 */
#ifndef LOADER_CHOSEN_H
#define LOADER_CHOSEN_H

#include "fdt.h"

struct text {
	const char *bytes;
	u32 size;
};

struct module {
	paddr address;
	u64 size; /* 0: there is none */
};

struct chosen {
	struct text xen_cmdline;  /* /chosen/bootargs up to a lone "--" are appended, */
	struct text dom0_cmdline; /* what follows the "--" is here */
	struct module kernel;     /* none: there is no dom0, and the first guest gets its words */
	struct module initramfs;
	const struct fdt *domains; /* NULL, or a tree whose root's children go to /chosen */
	paddr base; /* what each `reg` (two cells of address) in `domains` counts from */
};

/* Writes the tree to `to`, of `room` bytes. Returns NULL, or what is wrong. */
const char *chosen_write(const struct fdt *fdt, const struct chosen *chosen, void *to, u32 room);

#endif
