/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Back end of a disk: data is copied by Xen between granted pages and buffers of ours. */
#include "blkback.h"

#include "blkif.h"
#include "event.h"
#include "grant.h"
#include "memory.h"
#include "ring.h"
#include "xenbus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS 8
/* Requests at a time: disks in memory answer at once, and others wait as well. */
#define BUDGET 64u

struct job {
	struct blkback *back;
	struct block_request request;
	struct blkif_request64 from;
	bool busy;
};

struct blkback {
	struct xenbus bus;
	struct block *block;
	domid_t dom;
	bool wide; /* the front end's layout */
	struct ring ring;
	struct grant_map map;
	port_t port;
	bool connected, removed, starved;
	struct timer again;
	u32 under_way;
	struct job jobs[JOBS];
	u64 requests, sectors;
	struct blkback *next;
};

static struct blkback *leaving; /* removed, with requests under way */

/* A copy of the next request, which the front end cannot change any more, in the one layout. */
static struct blkif_request64 take(struct blkback *back)
{
	const void *entry = ring_entry(&back->ring, back->ring.cons++);
	struct blkif_request64 made;
	struct blkif_request32 narrow;

	if (back->wide) {
		memcpy(&made, entry, sizeof(made));
		return made;
	}
	memcpy(&narrow, entry, sizeof(narrow));
	made.op = narrow.op;
	made.segments = narrow.segments;
	made.handle = narrow.handle;
	made.id = narrow.id;
	made.sector = narrow.sector;
	memcpy(made.segment, narrow.segment, sizeof(made.segment));
	return made;
}

static void respond(struct blkback *back, u64 id, u8 op, s16 status)
{
	void *entry = ring_entry(&back->ring, back->ring.prod++);

	if (back->wide)
		*(struct blkif_response64 *)entry = (struct blkif_response64){id, op, status};
	else
		*(struct blkif_response32 *)entry = (struct blkif_response32){id, op, status};
	if (ring_push_responses(&back->ring))
		event_send(back->port);
}

/* Copy all segments one way. `write`: to the front end's pages. */
static bool copy(struct job *job, bool write)
{
	char *data = job->request.data;

	for (u32 i = 0; i < job->from.segments; i++) {
		const struct blkif_segment *segment = &job->from.segment[i];
		u16 offset = (u16)(segment->first * SECTOR);
		u16 size = (u16)((segment->last - segment->first + 1) * SECTOR);
		bool ok = write ? grant_write(job->back->dom, segment->ref, offset, data, size)
				: grant_read(data, job->back->dom, segment->ref, offset, size);

		if (!ok)
			return false;
		data += size;
	}
	return true;
}

static void serve(void *data);
static void finish_removal(struct blkback *back);

static void done(struct block_request *request, bool ok)
{
	struct job *job = request->context;
	struct blkback *back = job->back;

	if (ok && request->op == BLOCK_READ && back->connected)
		ok = copy(job, true);
	job->busy = false;
	back->under_way--;
	back->requests++;
	back->sectors += request->count;
	if (back->connected)
		respond(back, job->from.id, job->from.op, ok ? BLKIF_OK : BLKIF_ERROR);
	if (back->starved && back->connected)
		timer_set(&back->again, now());
	if (back->removed && !back->under_way)
		finish_removal(back);
}

static bool sectors(struct job *job)
{
	job->request.count = 0;
	if (job->from.segments > BLKIF_SEGMENTS)
		return false;
	for (u32 i = 0; i < job->from.segments; i++) {
		const struct blkif_segment *segment = &job->from.segment[i];

		if (segment->first > segment->last || segment->last >= PAGE_SIZE / SECTOR)
			return false;
		job->request.count += segment->last - segment->first + 1u;
	}
	return true;
}

static void start(struct blkback *back, struct job *job)
{
	struct block_request *request = &job->request;
	struct blkif_request64 *from = &job->from;

	*from = take(back);
	if (from->op != BLKIF_READ && from->op != BLKIF_WRITE && from->op != BLKIF_FLUSH) {
		respond(back, from->id, from->op, BLKIF_UNSUPPORTED);
		return;
	}
	request->op = from->op == BLKIF_READ    ? BLOCK_READ
		      : from->op == BLKIF_WRITE ? BLOCK_WRITE
						: BLOCK_FLUSH;
	request->sector = from->sector;
	if (!sectors(job) || !block_allows(back->block, request) ||
	    (request->op == BLOCK_WRITE && !copy(job, false))) {
		respond(back, from->id, from->op, BLKIF_ERROR);
		return;
	}
	job->busy = true;
	back->under_way++;
	block_submit(back->block, request);
}

static struct job *idle(struct blkback *back)
{
	for (u32 i = 0; i < JOBS; i++)
		if (!back->jobs[i].busy)
			return &back->jobs[i];
	return NULL;
}

static void disconnect(void *data)
{
	struct blkback *back = data;

	if (!back->connected)
		return;
	back->connected = false;
	timer_stop(&back->again);
	event_close(back->port);
	grant_unmap(&back->map);
}

/* Requests stay in the ring while all jobs are busy; the next one that ends looks again. */
static void serve(void *data)
{
	struct blkback *back = data;

	back->starved = false;
	for (u32 done = 0; back->connected && ring_has_request(&back->ring); done++) {
		struct job *job = idle(back);

		if (done == BUDGET) {
			timer_set(&back->again, now());
			return;
		}

		if (ring_broken(&back->ring)) {
			disconnect(back);
			xenbus_switch(&back->bus, XENBUS_CLOSED);
			return;
		}
		if (!job) {
			back->starved = true;
			return;
		}
		start(back, job);
	}
}

static void connect(void *data)
{
	struct blkback *back = data;
	gref_t ref = (gref_t)xenbus_other_number(&back->bus, "ring-ref", 0);
	port_t remote = (port_t)xenbus_other_number(&back->bus, "event-channel", 0);
	char protocol[16] = ABI_NAME;
	int port;

	xenbus_other_text(&back->bus, "protocol", protocol, sizeof(protocol));
	back->wide = !strcmp(protocol, "x86_64-abi");
	if (!grant_map(&back->map, back->dom, &ref, 1, false))
		return;
	port = event_interdomain(back->dom, remote);
	if (port < 0) {
		grant_unmap(&back->map);
		return;
	}
	back->port = (port_t)port;
	ring_join(&back->ring, back->map.va,
		  back->wide ? sizeof(struct blkif_request64) : sizeof(struct blkif_request32));
	back->connected = true;
	event_handle(back->port, serve, back);
	xenbus_put(&back->bus, XS_NO_TX, "sectors", (unsigned long)back->block->sectors);
	xenbus_put(&back->bus, XS_NO_TX, "sector-size", SECTOR);
	xenbus_put(&back->bus, XS_NO_TX, "info", back->block->readonly ? VDISK_READONLY : 0);
	xenbus_switch(&back->bus, XENBUS_CONNECTED);
	serve(back);
}

static const struct xenbus_service service = {.connect = connect, .disconnect = disconnect};

struct blkback *blkback_add(domid_t dom, const char *id, struct block *block)
{
	struct blkback *back = calloc(1, sizeof(*back));

	if (!back || xenbus_back(&back->bus, "vbd", dom, id)) {
		free(back);
		return NULL;
	}
	back->dom = dom;
	back->block = block;
	back->again = (struct timer){.fn = serve, .data = back};
	for (u32 i = 0; i < JOBS; i++) {
		struct job *job = &back->jobs[i];

		job->back = back;
		job->request.done = done;
		job->request.context = job;
		job->request.data = pages_alloc(BLOCK_MAX_SIZE / PAGE_SIZE);
		if (!job->request.data) {
			finish_removal(back);
			return NULL;
		}
	}
	xenbus_put(&back->bus, XS_NO_TX, "feature-flush-cache", 1);
	xenbus_serve(&back->bus, &service, back);
	return back;
}

static void finish_removal(struct blkback *back)
{
	struct blkback **at = &leaving;

	while (*at && *at != back)
		at = &(*at)->next;
	if (*at)
		*at = back->next;
	for (u32 i = 0; i < JOBS; i++)
		if (back->jobs[i].request.data)
			pages_free(back->jobs[i].request.data, BLOCK_MAX_SIZE / PAGE_SIZE);
	free(back);
}

void blkback_remove(struct blkback *back)
{
	xenbus_forget(&back->bus);
	disconnect(back);
	back->removed = true;
	back->next = leaving;
	leaving = back;
	if (!back->under_way)
		finish_removal(back);
}

bool blkback_draining(const struct block *block)
{
	const struct blkback *back = leaving;

	while (back && back->block != block)
		back = back->next;
	return back;
}

void blkback_counts(const struct blkback *back, u64 *requests, u64 *sectors_served)
{
	*requests = back->requests;
	*sectors_served = back->sectors;
}
