/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "devices.h"

#include "drivers.h"
#include "hardware/irq.h"
#include "hardware/pci.h"

#include <stdio.h>
#include <string.h>

#define DISKS 8u

static struct block *disks[DISKS];
static u32 disk_count;

static bool (*const drivers[])(const struct pci *pci) = {
    virtio_blk_probe, virtio_net_probe, e1000_probe, ide_probe, ahci_probe, bochs_vga_probe};

bool device_add_disk(struct block *block)
{
	if (disk_count == DISKS)
		return false;
	disks[disk_count++] = block;
	printf("dom0: disk %s, %llu sectors%s\n", block->name, (unsigned long long)block->sectors,
	       block->readonly ? ", read-only" : "");
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

static void found(const struct pci *pci)
{
	for (u32 i = 0; i < LENGTH(drivers); i++)
		if (drivers[i](pci))
			return;
}

void devices_start(void)
{
	irqs_start();
	pci_scan(found);
}
