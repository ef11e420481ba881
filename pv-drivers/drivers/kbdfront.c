/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Front end of a keyboard. */
#include "event.h"
#include "fbfront.h"
#include "grant.h"
#include "kbdif.h"
#include "memory.h"
#include "xenbus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kbdfront {
	struct xenbus bus;
	struct kbd_page *page;
	gref_t ref;
	port_t port;
	void (*fn)(void *data, u32 keycode, bool pressed);
	void *data;
};

static void happened(void *data)
{
	struct kbdfront *front = data;
	volatile struct kbd_page *page = front->page;
	u32 cons = page->in_cons, prod = page->in_prod;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (prod - cons > KBD_IN_ROOM)
		cons = prod - KBD_IN_ROOM;
	for (; cons != prod; cons++) {
		struct kbd_key key;

		memcpy(&key, (char *)front->page + KBD_IN_AT + cons % KBD_IN_ROOM * KBD_EVENT_SIZE,
		       sizeof(key));
		if (key.type == KBD_KEY)
			front->fn(front->data, key.keycode, key.pressed);
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	page->in_cons = cons;
	event_send(front->port);
}

static int tell(struct kbdfront *front)
{
	for (;;) {
		int tx = xs_begin(), rc;

		if (tx < 0)
			return tx;
		xenbus_put(&front->bus, (u32)tx, "page-ref", frame_of(page_of(front->page)));
		xenbus_put(&front->bus, (u32)tx, "page-gref", front->ref);
		xenbus_put(&front->bus, (u32)tx, "event-channel", front->port);
		rc = xs_end((u32)tx, true);
		if (rc != -XS_EAGAIN)
			return rc;
	}
}

/* The first time, and in every domain after that. */
static bool connect(void *data)
{
	struct kbdfront *front = data;
	int port;

	if (!xenbus_wait(&front->bus, XENBUS_INIT_WAIT, 30 * SECOND))
		return false;
	front->ref = grant_give(front->bus.other_id, front->page, false);
	port = event_unbound(front->bus.other_id);
	if (!front->ref || port < 0)
		return false;
	front->port = (port_t)port;
	event_handle(front->port, happened, front);
	if (tell(front) || xenbus_switch(&front->bus, XENBUS_INITIALISED) ||
	    !xenbus_wait(&front->bus, XENBUS_CONNECTED, 30 * SECOND))
		return false;
	return !xenbus_switch(&front->bus, XENBUS_CONNECTED);
}

struct kbdfront *kbdfront_open(const char *id, void (*fn)(void *data, u32 keycode, bool pressed),
			       void *data)
{
	struct kbdfront *front = calloc(1, sizeof(*front));

	if (front)
		*front = (struct kbdfront){.fn = fn, .data = data, .page = pages_alloc(1)};
	if (!front || !front->page || !xenbus_open(&front->bus, "vkbd", id, connect, front)) {
		printf("kbdfront: %s cannot be connected\n", id);
		return NULL;
	}
	return front;
}
