/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The xenstore client's way to xenstored in dom0: two byte rings in a page (public/io/xs_wire.h).
 */
#include "base.h"
#include "event.h"
#include "pagetable.h"
#include "xs.h"

#include <string.h>

#define FENCE() __atomic_thread_fence(__ATOMIC_SEQ_CST)

static volatile struct xs_ring *ring;
static port_t port;
static bool waiting;

/* The message that is coming in: its header, then its body. */
static struct xs_header header;
static char body[XS_BODY + 1];
static u32 got;

static void put(const void *data, u32 size)
{
	const char *from = data;

	while (size) {
		if (ring->req_prod - ring->req_cons == XS_RING) {
			event_send(port);
			loop(now() + 100 * MILLISECOND);
			continue;
		}
		ring->req[ring->req_prod % XS_RING] = *from++;
		FENCE();
		ring->req_prod++;
		size--;
	}
}

/* Take what is there; true once a message is complete. */
static bool take(void)
{
	bool freed = false, done = false;

	while (ring->rsp_cons != ring->rsp_prod && !done) {
		char c;

		FENCE();
		c = ring->rsp[ring->rsp_cons % XS_RING];
		FENCE();
		ring->rsp_cons++;
		freed = true;
		if (got < sizeof(header))
			((char *)&header)[got] = c;
		else
			body[got - sizeof(header)] = c;
		got++;
		if (got == sizeof(header) && header.len > XS_BODY)
			panic("xenstored sends too much");
		done = got >= sizeof(header) && got == sizeof(header) + header.len;
	}
	if (freed)
		event_send(port);
	return done;
}

/* Outside of an exchange only watch events come. */
static void serve(void *data)
{
	(void)data;
	while (!waiting && take()) {
		got = 0;
		if (header.type == XS_WATCH_EVENT)
			xs_watch_event(body, header.len);
	}
}

static int exchange(struct xs_header *request, const char *data, char *reply)
{
	waiting = true;
	put(request, sizeof(*request));
	put(data, request->len);
	event_send(port);
	for (;;) {
		if (!take()) {
			loop(now() + SECOND);
			continue;
		}
		got = 0;
		if (header.type == XS_WATCH_EVENT) {
			xs_watch_event(body, header.len);
			continue;
		}
		if (header.req_id == request->req_id)
			break;
	}
	waiting = false;
	*request = header;
	memcpy(reply, body, header.len);
	return 0;
}

void xs_start_ring(void)
{
	mfn_t frame = start_info->store_mfn;

	ring = map_foreign(&frame, 1, DOMID_SELF, PTE_KERNEL);
	if (!ring)
		panic("no xenstore page");
	port = start_info->store_port;
	event_handle(port, serve, NULL);
	xs_start(exchange);
}

void xs_resume_ring(void)
{
	/* What the old xenstored still had to say, perhaps in half. */
	ring->rsp_cons = ring->rsp_prod;
	got = 0;
	port = start_info->store_port;
	event_handle(port, serve, NULL);
	xs_watch_again();
}
