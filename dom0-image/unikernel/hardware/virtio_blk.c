/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A virtio disk (virtio-v1.0, 5.2). */
#include "devices.h"
#include "drivers.h"
#include "memory.h"
#include "virtio.h"

#include <stdio.h>
#include <stdlib.h>

#define SLOTS       32u
#define F_READ_ONLY (1ull << 5)
#define F_FLUSH     (1ull << 9)

enum { TYPE_IN = 0, TYPE_OUT = 1, TYPE_FLUSH = 4 };

/* What a request has besides its data, for the device to read and write. */
struct slot {
	u32 type, reserved;
	u64 sector;
	u8 status;
	u8 pad[15];
	struct block_request *request;
	u64 pad2;
};

struct virtio_blk {
	struct block block;
	struct virtio virtio;
	struct virtqueue queue;
	struct slot *slots; /* in a page of their own */
	struct block_request *waiting, **waiting_end;
	char name[8];
};

static struct slot *free_slot(struct virtio_blk *disk)
{
	for (u32 i = 0; i < SLOTS; i++)
		if (!disk->slots[i].request)
			return &disk->slots[i];
	return NULL;
}

static bool start(struct virtio_blk *disk, struct block_request *request)
{
	static const u32 types[] = {TYPE_IN, TYPE_OUT, TYPE_FLUSH};
	struct piece pieces[2 + BLOCK_MAX_SIZE / 4096];
	struct slot *slot = free_slot(disk);
	u32 left = request->op == BLOCK_FLUSH ? 0 : request->count * SECTOR;
	char *page = request->data;
	u16 count = 0;

	if (!slot)
		return false;
	slot->type = types[request->op];
	slot->sector = left ? request->sector : 0;
	pieces[count++] = (struct piece){slot, 16, false};
	for (; left; page += PAGE_SIZE) {
		u32 size = left < PAGE_SIZE ? left : (u32)PAGE_SIZE;

		pieces[count++] = (struct piece){page, size, request->op == BLOCK_READ};
		left -= size;
	}
	pieces[count++] = (struct piece){&slot->status, 1, true};
	if (!virtqueue_add(&disk->queue, pieces, count, slot))
		return false;
	slot->request = request;
	return true;
}

static void push(struct virtio_blk *disk)
{
	bool any = false;

	while (disk->waiting && start(disk, disk->waiting)) {
		any = true;
		disk->waiting = disk->waiting->next;
		if (!disk->waiting)
			disk->waiting_end = &disk->waiting;
	}
	if (any)
		virtqueue_kick(&disk->queue);
}

static void submit(struct block *block, struct block_request *request)
{
	struct virtio_blk *disk = block->driver;

	if (request->op == BLOCK_FLUSH && !(disk->virtio.features & F_FLUSH)) {
		request->done(request, true);
		return;
	}
	request->next = NULL;
	*disk->waiting_end = request;
	disk->waiting_end = &request->next;
	push(disk);
}

static bool serve(void *data)
{
	struct virtio_blk *disk = data;
	struct slot *slot;
	bool any = false;
	u32 size;

	virtio_acknowledge(&disk->virtio);
	while ((slot = virtqueue_take(&disk->queue, &size))) {
		struct block_request *request = slot->request;

		any = true;
		slot->request = NULL;
		request->done(request, slot->status == 0);
	}
	push(disk);
	return any;
}

bool virtio_blk_probe(const struct pci *pci)
{
	static char next_letter = 'a';
	struct virtio_blk *disk;
	volatile u32 *capacity;

	if (pci->vendor != VIRTIO_VENDOR || (pci->device != 0x1001 && pci->device != 0x1042))
		return false;
	disk = calloc(1, sizeof(*disk));
	if (!disk || !(disk->slots = pages_alloc(1)) ||
	    !virtio_open(&disk->virtio, pci, F_READ_ONLY | F_FLUSH, VIRTIO_F_MODERN) ||
	    !virtio_queue(&disk->virtio, &disk->queue, 0))
		return false;
	capacity = (volatile u32 *)(volatile void *)disk->virtio.device;
	disk->waiting_end = &disk->waiting;
	snprintf(disk->name, sizeof(disk->name), "vd%c", next_letter++);
	disk->block = (struct block){.name = disk->name,
				     .sectors = (u64)capacity[1] << 32 | capacity[0],
				     .readonly = disk->virtio.features & F_READ_ONLY,
				     .submit = submit,
				     .driver = disk};
	virtio_begin(&disk->virtio, pci, serve, disk);
	return device_add_disk(&disk->block);
}
