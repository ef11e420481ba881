/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LOADER_HANDOVER_H
#define LOADER_HANDOVER_H

#include "bundle.h"
#include "machine.h"

/*
 * Writes the multiboot 2 information that the hypervisor gets and returns its address; 0 if it does
 * not fit. Everything is copied: what the boot loader wrote may lie where the hypervisor goes.
 */
u32 handover_write(const struct machine *m, const struct table *table);

#endif
