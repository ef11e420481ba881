/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "memdisk.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

struct memdisk {
	struct block block;
	char *data;
	unsigned long own_pages; /* 0: the data is somebody else's */
};

static void submit(struct block *block, struct block_request *request)
{
	struct memdisk *disk = block->driver;
	char *at = disk->data + request->sector * SECTOR;
	size_t size = (size_t)request->count * SECTOR;

	if (request->op == BLOCK_READ)
		memcpy(request->data, at, size);
	else if (request->op == BLOCK_WRITE)
		memcpy(at, request->data, size);
	request->done(request, true);
}

struct block *memdisk_create(const char *name, void *data, u64 size)
{
	struct memdisk *disk = calloc(1, sizeof(*disk));

	if (!disk)
		return NULL;
	disk->data = data;
	if (!data) {
		if (size > 1ull << 31 ||
		    !(disk->data = pages_alloc(pages_for((unsigned long)size)))) {
			free(disk);
			return NULL;
		}
		disk->own_pages = pages_for((unsigned long)size);
	}
	disk->block.name = name;
	disk->block.sectors = size / SECTOR;
	disk->block.submit = submit;
	disk->block.driver = disk;
	return &disk->block;
}

void memdisk_destroy(struct block *block)
{
	struct memdisk *disk = block->driver;

	if (disk->own_pages)
		pages_free(disk->data, disk->own_pages);
	free(disk);
}
