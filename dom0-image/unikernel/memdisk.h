/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DOM0_MEMDISK_H
#define DOM0_MEMDISK_H

#include "block.h"

/* A disk in dom0's memory: `size` bytes at `data`, or, without data, zeros at first. NULL without
 * memory. */
struct block *memdisk_create(const char *name, void *data, u64 size);
void memdisk_destroy(struct block *block);

#endif
