/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dom0's own devices, found on the machine's buses. */
#ifndef DOM0_DEVICES_H
#define DOM0_DEVICES_H

#include "block.h"
#include "nic.h"

/* Find and start what there is; interfaces join the bridge. */
void devices_start(void);
/* A disk by its name ("vda", "hda"); NULL if there is none. */
struct block *device_disk(const char *name);
/* The disks, one by one; NULL behind the last. */
struct block *device_disk_number(u32 number);

/* For drivers. */
bool device_add_disk(struct block *block);

#endif
