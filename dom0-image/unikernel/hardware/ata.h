/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the drivers of ATA disks have in common: one request at a time, the others wait in order. */
#ifndef HARDWARE_ATA_H
#define HARDWARE_ATA_H

#include "block.h"

struct ata_queue {
	struct block_request *first, **end;
	bool active;                 /* the device has the first */
	void (*start)(void *device); /* gives it the first */
	void *device;
};

void ata_init(struct ata_queue *queue, void (*start)(void *device), void *device);
/* `wide`: the controller reaches memory above 4 GiB; otherwise a request for it fails at once. */
void ata_submit(struct ata_queue *queue, struct block_request *request, bool wide);
/* The device is done with the first. */
void ata_done(struct ata_queue *queue, bool ok);

#endif
