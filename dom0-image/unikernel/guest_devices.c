/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's disks, interfaces and screen, as dom0 serves them. */
#include "archive.h"
#include "bridge.h"
#include "devices.h"
#include "event.h"
#include "guest.h"
#include "memdisk.h"
#include "screen.h"

#include <stdio.h>

/* What an earlier domain asked of a disk comes to its end before this one asks. */
static const char *settle(struct guest *guest)
{
	u64 until = now() + 30 * SECOND;
	bool draining = true;

	guest->busy = true;
	while (draining && now() < until) {
		draining = false;
		for (u32 i = 0; i < guest->config.disk_count; i++)
			draining |= blkback_draining(guest->disks[i]);
		if (draining)
			loop(now() + 10 * MILLISECOND);
	}
	guest->busy = false;
	return draining ? "a disk does not end what an earlier domain asked of it" : NULL;
}

/* The disks stay as they are over restarts of the guest. */
const char *guest_open_disks(struct guest *guest, char *files, size_t size)
{
	for (u32 i = 0; i < guest->config.disk_count; i++) {
		struct disk_config *disk = &guest->config.disks[i];
		struct file file;

		if (guest->disks[i])
			continue;
		if (*disk->hardware) {
			guest->disks[i] = device_disk(disk->hardware);
			if (!guest->disks[i])
				return "dom0 has no such disk";
			continue;
		}
		if (*disk->file && !archive_find(files, size, disk->file, &file))
			return "a disk's file is missing";
		guest->disks[i] = *disk->file ? memdisk_create(disk->file, file.data, file.size)
					      : memdisk_create(disk->device, NULL, disk->size);
		if (!guest->disks[i])
			return "dom0 has no memory left for a disk";
		guest->own_disk[i] = true;
		guest->disks[i]->readonly = disk->readonly;
	}
	return settle(guest);
}

void guest_remove_back_ends(struct guest *guest)
{
	for (u32 i = 0; i < MAX_DISKS; i++) {
		if (guest->blkbacks[i])
			blkback_remove(guest->blkbacks[i]);
		guest->blkbacks[i] = NULL;
	}
	for (u32 i = 0; i < MAX_NICS; i++) {
		if (guest->netbacks[i]) {
			bridge_leave(netback_nic(guest->netbacks[i]));
			netback_remove(guest->netbacks[i]);
		}
		guest->netbacks[i] = NULL;
	}
	if (guest->fbback) {
		screen_leave(guest->fbback);
		fbback_remove(guest->fbback);
	}
	if (guest->kbdback)
		kbdback_remove(guest->kbdback);
	guest->fbback = NULL;
	guest->kbdback = NULL;
}

const char *guest_add_back_ends(struct guest *guest)
{
	char id[12];

	for (u32 i = 0; i < guest->config.disk_count; i++) {
		snprintf(id, sizeof(id), "%u", disk_number(guest->config.disks[i].device));
		guest->blkbacks[i] = blkback_add(guest->dom, id, guest->disks[i]);
		if (!guest->blkbacks[i])
			return "dom0 has no memory left for a disk";
	}
	for (u32 i = 0; i < guest->config.nic_count; i++) {
		snprintf(id, sizeof(id), "%u", i);
		guest->netbacks[i] = netback_add(guest->dom, id);
		if (!guest->netbacks[i] || !bridge_join(netback_nic(guest->netbacks[i])))
			return "dom0 has no room left for a network interface";
	}
	if (!guest->config.screen)
		return NULL;
	guest->fbback = fbback_add(guest->dom, "0");
	guest->kbdback = kbdback_add(guest->dom, "0");
	if (!guest->fbback || !guest->kbdback)
		return "dom0 has no memory left for a screen";
	return NULL;
}
