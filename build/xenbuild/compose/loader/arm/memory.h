/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the device tree says of the machine's RAM. */
#ifndef LOADER_MEMORY_H
#define LOADER_MEMORY_H

#include "fdt.h"

/* Bytes of RAM in all /memory nodes. */
u64 memory_total(const struct fdt *fdt);

/* Does [start, end) lie wholly in RAM? Banks that touch count as one. */
bool memory_holds(const struct fdt *fdt, paddr start, paddr end);

/*
 * Does a part of [start, end) belong to someone else: an entry of the reservation block or a child
 * of /reserved-memory? Returns its name, or NULL.
 */
const char *memory_reserved(const struct fdt *fdt, paddr start, paddr end);

#endif
