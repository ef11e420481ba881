/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A disk, whoever drives it. Sectors have 512 bytes. */
#ifndef DRIVERS_BLOCK_H
#define DRIVERS_BLOCK_H

#include "types.h"

#define SECTOR         512u
#define BLOCK_MAX_SIZE (11u * 4096u) /* of one request: what a blkif request can have */

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH };

struct block_request {
	enum block_op op;
	u64 sector;
	u32 count;  /* sectors, BLOCK_MAX_SIZE at the most */
	void *data; /* starts at a page's start */
	void (*done)(struct block_request *request, bool ok);
	void *context; /* of whoever made the request */
	void *driver;  /* of the disk's driver, while it has the request */
	struct block_request *next;
};

struct block {
	const char *name;
	u64 sectors;
	bool readonly;
	void (*submit)(struct block *block, struct block_request *request);
	void *driver;
};

/* Whether the disk has these sectors and may be used so. */
bool block_allows(const struct block *block, const struct block_request *request);
/* Submit a request that fits, and refuse any other. */
void block_submit(struct block *block, struct block_request *request);
/* Do it and wait. `data`: see struct block_request. */
bool block_do(struct block *block, enum block_op op, u64 sector, u32 count, void *data);

#endif
