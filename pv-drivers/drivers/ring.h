/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring of requests and responses that front and back ends share (public/io/ring.h): a page with
 * four counters and entries, where the response to a request takes the place of some request before
 * it. One implementation for both ends and for entries of any size.
 */
#ifndef DRIVERS_RING_H
#define DRIVERS_RING_H

#include "types.h"

struct ring_page {
	u32 req_prod, req_event;
	u32 rsp_prod, rsp_event;
	u8 pad[48];
	u8 entries[4096 - 64];
};

struct ring {
	volatile struct ring_page *page;
	u32 size;  /* of an entry in bytes */
	u32 count; /* of entries, a power of two */
	u32 prod;  /* front: requests made; back: responses made; not shown to the other end yet */
	u32 cons;  /* front: responses taken; back: requests taken */
};

/* Front end: an empty ring in a page of zeros. */
void ring_create(struct ring *ring, void *page, u32 size);
/* Back end: join a ring that the front end made. */
void ring_join(struct ring *ring, void *page, u32 size);

/* The entry with a number of prod's or cons's kind. */
static inline void *ring_entry(const struct ring *ring, u32 number)
{
	u32 at = (number & (ring->count - 1)) * ring->size;

	return (void *)(uintptr_t)&ring->page->entries[at];
}

/* How many requests (front end) still fit. */
static inline u32 ring_room(const struct ring *ring)
{
	return ring->count - (ring->prod - ring->cons);
}

/* Show what was put up to `prod`. Returns whether the other end wants an event for it. */
bool ring_push_requests(struct ring *ring);
bool ring_push_responses(struct ring *ring);

/*
 * Whether there is something at `cons`. Where there is nothing the other end is asked for an event.
 * `ring_broken` is a front end that claims more requests than a ring holds: stop serving it.
 */
bool ring_has_response(struct ring *ring);
bool ring_has_request(struct ring *ring);
bool ring_broken(const struct ring *ring);

#endif
