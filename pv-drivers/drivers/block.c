/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "block.h"

#include "event.h"

bool block_allows(const struct block *block, const struct block_request *request)
{
	if (request->op == BLOCK_FLUSH)
		return true;
	if (request->op == BLOCK_WRITE && block->readonly)
		return false;
	return request->count && request->count <= BLOCK_MAX_SIZE / SECTOR &&
	       request->sector < block->sectors &&
	       request->count <= block->sectors - request->sector;
}

void block_submit(struct block *block, struct block_request *request)
{
	if (block_allows(block, request))
		block->submit(block, request);
	else
		request->done(request, false);
}

struct wait {
	bool over, ok;
};

static void wake(struct block_request *request, bool ok)
{
	struct wait *wait = request->context;

	wait->over = true;
	wait->ok = ok;
}

bool block_do(struct block *block, enum block_op op, u64 sector, u32 count, void *data)
{
	struct wait wait = {false, false};
	struct block_request request = {.op = op,
					.sector = sector,
					.count = count,
					.data = data,
					.done = wake,
					.context = &wait};

	block_submit(block, &request);
	while (!wait.over)
		loop(now() + 100 * MILLISECOND);
	return wait.ok;
}
