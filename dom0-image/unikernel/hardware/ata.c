/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ata.h"
#include "memory.h"

void ata_init(struct ata_queue *queue, void (*start)(void *device), void *device)
{
	*queue = (struct ata_queue){.end = &queue->first, .start = start, .device = device};
}

static void go_on(struct ata_queue *queue)
{
	if (!queue->first || queue->active)
		return;
	queue->active = true;
	queue->start(queue->device);
}

/* Whether 32 bits of address reach the data. */
static bool is_low(const struct block_request *request)
{
	u32 left = request->op == BLOCK_FLUSH ? 0 : request->count * SECTOR;

	for (const char *page = request->data; left; page += PAGE_SIZE) {
		if (machine_address(page) >> 32)
			return false;
		left -= left < PAGE_SIZE ? left : (u32)PAGE_SIZE;
	}
	return true;
}

void ata_submit(struct ata_queue *queue, struct block_request *request, bool wide)
{
	if (!wide && !is_low(request)) {
		request->done(request, false);
		return;
	}
	request->next = NULL;
	*queue->end = request;
	queue->end = &request->next;
	go_on(queue);
}

void ata_done(struct ata_queue *queue, bool ok)
{
	struct block_request *request = queue->first;

	queue->active = false;
	queue->first = request->next;
	if (!queue->first)
		queue->end = &queue->first;
	request->done(request, ok);
	go_on(queue);
}
