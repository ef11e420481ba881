/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exercises its first disk: every block is written in an order that jumps about, with several
 * requests under way, then all are read back in another order and compared. `rounds=N` on the
 * command line.
 */
#include "base.h"
#include "blkif.h"
#include "event.h"
#include "manage.h"
#include "memory.h"
#include "xs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 16 /* requests under way */

struct job {
	struct block_request request;
	bool busy;
};

static struct job jobs[DEPTH];
static struct block *disk;
static u64 blocks, errors, wrong;
static u32 block_sectors; /* of a request */
static u64 seed;

/* What a sector of a round holds at its word `word`. */
static u32 content(u64 sector, u32 word)
{
	return (u32)((sector + 1) * 2654435761u ^ word * 40503u ^ seed);
}

static void fill(struct block_request *request)
{
	u32 *at = request->data;

	for (u32 s = 0; s < request->count; s++)
		for (u32 word = 0; word < SECTOR / 4; word++)
			*at++ = content(request->sector + s, word);
}

static void check(const struct block_request *request)
{
	const u32 *at = request->data;

	for (u32 s = 0; s < request->count; s++)
		for (u32 word = 0; word < SECTOR / 4; word++)
			wrong += *at++ != content(request->sector + s, word);
}

static void done(struct block_request *request, bool ok)
{
	struct job *job = request->context;

	if (!ok)
		errors++;
	else if (request->op == BLOCK_READ)
		check(request);
	job->busy = false;
}

static struct job *idle(void)
{
	for (;;) {
		for (u32 i = 0; i < DEPTH; i++)
			if (!jobs[i].busy)
				return &jobs[i];
		loop(now() + SECOND);
	}
}

static void all_idle(void)
{
	for (u32 i = 0; i < DEPTH; i++)
		while (jobs[i].busy)
			loop(now() + SECOND);
}

/* All blocks once: a stride that has no divisor in common with their number comes by each. */
static void pass(enum block_op op, u64 stride)
{
	while (blocks % stride == 0)
		stride += 2;
	for (u64 i = 0, block = 0; i < blocks; i++, block = (block + stride) % blocks) {
		struct job *job = idle();
		struct block_request *request = &job->request;
		u64 left;

		request->op = op;
		request->sector = block * block_sectors;
		left = disk->sectors - request->sector;
		request->count = left < block_sectors ? (u32)left : block_sectors;
		if (op == BLOCK_WRITE)
			fill(request);
		else
			memset(request->data, 0, request->count * SECTOR);
		job->busy = true;
		block_submit(disk, request);
	}
	all_idle();
}

static bool start(void)
{
	char ids[256];

	xs_start_ring();
	manage_start();
	if (xs_list(XS_NO_TX, "device/vbd", ids, sizeof(ids)) <= 0) {
		printf("exercise: no disk\n");
		return false;
	}
	disk = blkfront_open(ids);
	if (!disk)
		return false;
	block_sectors = BLOCK_MAX_SIZE / SECTOR;
	blocks = (disk->sectors + block_sectors - 1) / block_sectors;
	for (u32 i = 0; i < DEPTH; i++) {
		jobs[i].request.data = pages_alloc(BLOCK_MAX_SIZE / PAGE_SIZE);
		jobs[i].request.done = done;
		jobs[i].request.context = &jobs[i];
		if (!jobs[i].request.data)
			panic("no memory");
	}
	return true;
}

enum shutdown_reason main(void)
{
	static const u64 strides[] = {7, 13, 31, 101};
	char value[16];
	unsigned long rounds =
	    option("rounds", value, sizeof(value)) ? strtoul(value, NULL, 10) : 1;

	if (!start())
		return SHUTDOWN_CRASH;
	printf("exercise: %s, %llu sectors\n", disk->name, (unsigned long long)disk->sectors);
	for (unsigned long round = 1; round <= rounds; round++) {
		u64 begin = now();

		seed = round * 0x9e3779b9;
		pass(BLOCK_WRITE, strides[round % LENGTH(strides)]);
		if (!block_do(disk, BLOCK_FLUSH, 0, 0, NULL))
			errors++;
		pass(BLOCK_READ, strides[(round + 1) % LENGTH(strides)]);
		printf("exercise: round %lu, %llu errors, %llu wrong words, %llu ms\n", round,
		       (unsigned long long)errors, (unsigned long long)wrong,
		       (unsigned long long)((now() - begin) / MILLISECOND));
	}
	if (block_do(disk, BLOCK_READ, disk->sectors, 1, jobs[0].request.data))
		errors++; /* behind the end */
	blkfront_close(disk);
	printf("exercise: %s\n", errors || wrong ? "FAILED" : "passed");
	return errors || wrong ? SHUTDOWN_CRASH : SHUTDOWN_POWEROFF;
}
