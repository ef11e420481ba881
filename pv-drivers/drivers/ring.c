/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ring.h"

#define FENCE() __atomic_thread_fence(__ATOMIC_SEQ_CST)

static void set_up(struct ring *ring, void *page, u32 size)
{
	u32 most = (u32)sizeof(((struct ring_page *)0)->entries) / size;

	ring->page = page;
	ring->size = size;
	for (ring->count = 1; ring->count * 2 <= most; ring->count *= 2)
		;
}

void ring_create(struct ring *ring, void *page, u32 size)
{
	set_up(ring, page, size);
	ring->prod = ring->cons = 0;
	ring->page->req_prod = ring->page->rsp_prod = 0;
	ring->page->req_event = ring->page->rsp_event = 1;
}

void ring_join(struct ring *ring, void *page, u32 size)
{
	set_up(ring, page, size);
	ring->prod = ring->cons = ring->page->rsp_prod;
}

/* The other end asks for an event by the number after which it wants one; it may have been passed
 * just now. */
static bool push(volatile u32 *shown, const volatile u32 *wanted, u32 prod)
{
	u32 old = *shown;

	FENCE(); /* entries before the counter */
	*shown = prod;
	FENCE(); /* the counter before the question */
	return prod - *wanted < prod - old;
}

bool ring_push_requests(struct ring *ring)
{
	return push(&ring->page->req_prod, &ring->page->req_event, ring->prod);
}

bool ring_push_responses(struct ring *ring)
{
	return push(&ring->page->rsp_prod, &ring->page->rsp_event, ring->prod);
}

static bool has(const volatile u32 *shown, volatile u32 *wanted, u32 cons)
{
	if (*shown == cons) {
		*wanted = cons + 1;
		FENCE(); /* the wish before the last look */
		if (*shown == cons)
			return false;
	}
	FENCE(); /* the counter before the entries */
	return true;
}

bool ring_has_response(struct ring *ring)
{
	return has(&ring->page->rsp_prod, &ring->page->rsp_event, ring->cons);
}

bool ring_has_request(struct ring *ring)
{
	return has(&ring->page->req_prod, &ring->page->req_event, ring->cons);
}

bool ring_broken(const struct ring *ring)
{
	return ring->page->req_prod - ring->prod > ring->count;
}
