/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Front end of a disk. Requests wait in a queue while the ring is full, and while there is no back
 * end. */
#include "blkif.h"
#include "event.h"
#include "grant.h"
#include "memory.h"
#include "ring.h"
#include "xenbus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 32 /* entries of a ring of one page, on both architectures */

struct slot {
	struct block_request *request;
	gref_t refs[BLKIF_SEGMENTS];
	u32 ref_count;
};

struct blkfront {
	struct block block;
	struct xenbus bus;
	void *page; /* of the ring */
	struct ring ring;
	gref_t ring_ref;
	port_t port;
	bool flush;
	struct slot slots[SLOTS];
	struct block_request *waiting, **waiting_end;
};

static struct slot *free_slot(struct blkfront *front)
{
	for (u32 i = 0; i < SLOTS; i++)
		if (!front->slots[i].request)
			return &front->slots[i];
	return NULL;
}

static void release(struct slot *slot)
{
	while (slot->ref_count)
		grant_end(slot->refs[--slot->ref_count]);
	slot->request = NULL;
}

static bool fill(struct blkfront *front, struct slot *slot, const struct block_request *from,
		 blkif_request *to)
{
	static const u8 ops[] = {BLKIF_READ, BLKIF_WRITE, BLKIF_FLUSH};
	u32 left = from->op == BLOCK_FLUSH ? 0 : from->count;
	char *page = from->data;

	to->op = ops[from->op];
	to->handle = 0;
	to->id = (u64)(slot - front->slots);
	to->sector = from->op == BLOCK_FLUSH ? 0 : from->sector;
	slot->ref_count = 0;
	for (; left; page += PAGE_SIZE) {
		u32 now = left < PAGE_SIZE / SECTOR ? left : (u32)(PAGE_SIZE / SECTOR);
		gref_t ref = grant_give(front->bus.other_id, page, from->op == BLOCK_WRITE);

		if (!ref)
			return false;
		to->segment[slot->ref_count] = (struct blkif_segment){ref, 0, (u8)(now - 1), 0};
		slot->refs[slot->ref_count++] = ref;
		left -= now;
	}
	to->segments = (u8)slot->ref_count;
	return true;
}

/* Move what waits into the ring. */
static void push(struct blkfront *front)
{
	if (front->bus.state != XENBUS_CONNECTED)
		return;
	while (front->waiting && ring_room(&front->ring)) {
		struct block_request *request = front->waiting;
		struct slot *slot = free_slot(front);

		if (!slot)
			break;
		if (!fill(front, slot, request, ring_entry(&front->ring, front->ring.prod))) {
			release(slot);
			break; /* the grant table is full: when an answer frees some */
		}
		slot->request = request;
		front->ring.prod++;
		front->waiting = request->next;
		if (!front->waiting)
			front->waiting_end = &front->waiting;
	}
	if (ring_push_requests(&front->ring))
		event_send(front->port);
}

static void submit(struct block *block, struct block_request *request)
{
	struct blkfront *front = block->driver;

	if (request->op == BLOCK_FLUSH && !front->flush) {
		request->done(request, true);
		return;
	}
	request->next = NULL;
	*front->waiting_end = request;
	front->waiting_end = &request->next;
	push(front);
}

static void answered(void *data)
{
	struct blkfront *front = data;

	while (ring_has_response(&front->ring)) {
		blkif_response response =
		    *(blkif_response *)ring_entry(&front->ring, front->ring.cons++);
		struct block_request *request;

		if (response.id >= SLOTS || !front->slots[response.id].request)
			continue; /* not ours */
		request = front->slots[response.id].request;
		release(&front->slots[response.id]);
		request->done(request, response.status == BLKIF_OK);
	}
	push(front);
}

static int tell(struct blkfront *front)
{
	for (;;) {
		int tx = xs_begin(), rc;

		if (tx < 0)
			return tx;
		xenbus_put(&front->bus, (u32)tx, "ring-ref", front->ring_ref);
		xenbus_put(&front->bus, (u32)tx, "event-channel", front->port);
		xenbus_put_text(&front->bus, (u32)tx, "protocol", ABI_NAME);
		rc = xs_end((u32)tx, true);
		if (rc != -XS_EAGAIN)
			return rc;
	}
}

/* What nobody answered is done once more: a disk is the same after the same request. */
static void put_back(struct blkfront *front)
{
	for (u32 i = 0; i < SLOTS; i++) {
		struct block_request *request = front->slots[i].request;

		if (!request)
			continue;
		front->slots[i] = (struct slot){0};
		request->next = front->waiting;
		if (!front->waiting)
			front->waiting_end = &request->next;
		front->waiting = request;
	}
}

/* The first time, and in every domain after that. */
static bool connect(void *data)
{
	struct blkfront *front = data;
	int port;

	put_back(front);
	if (!xenbus_wait(&front->bus, XENBUS_INIT_WAIT, 30 * SECOND))
		return false;
	memset(front->page, 0, PAGE_SIZE);
	ring_create(&front->ring, front->page, sizeof(blkif_request));
	front->ring_ref = grant_give(front->bus.other_id, front->page, false);
	port = event_unbound(front->bus.other_id);
	if (!front->ring_ref || port < 0)
		return false;
	front->port = (port_t)port;
	event_handle(front->port, answered, front);
	if (tell(front) || xenbus_switch(&front->bus, XENBUS_INITIALISED) ||
	    !xenbus_wait(&front->bus, XENBUS_CONNECTED, 30 * SECOND))
		return false;
	front->flush = xenbus_other_number(&front->bus, "feature-flush-cache", 0);
	front->block.sectors = xenbus_other_number(&front->bus, "sectors", 0);
	front->block.readonly = xenbus_other_number(&front->bus, "info", 0) & VDISK_READONLY;
	xenbus_switch(&front->bus, XENBUS_CONNECTED);
	push(front);
	return true;
}

struct block *blkfront_open(const char *id)
{
	struct blkfront *front = calloc(1, sizeof(*front));

	if (front) {
		front->page = pages_alloc(1);
		front->waiting_end = &front->waiting;
		front->block.name = front->bus.path;
		front->block.submit = submit;
		front->block.driver = front;
	}
	if (!front || !front->page || !xenbus_open(&front->bus, "vbd", id, connect, front)) {
		printf("blkfront: %s cannot be connected\n", id);
		return NULL;
	}
	return &front->block;
}

void blkfront_close(struct block *block)
{
	struct blkfront *front = block->driver;

	xenbus_close(&front->bus);
	event_close(front->port);
	if (grant_end(front->ring_ref))
		pages_free(front->page, 1);
	free(front);
}
