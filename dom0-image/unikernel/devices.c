/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "devices.h"

#include <string.h>

#define DISKS 8u

static struct block *disks[DISKS];
static u32 disk_count;

bool device_add_disk(struct block *block)
{
	if (disk_count == DISKS)
		return false;
	disks[disk_count++] = block;
	return true;
}

struct block *device_disk(const char *name)
{
	for (u32 i = 0; i < disk_count; i++)
		if (!strcmp(disks[i]->name, name))
			return disks[i];
	return NULL;
}

struct block *device_disk_number(u32 number)
{
	return number < disk_count ? disks[number] : NULL;
}

void devices_start(void)
{
}
