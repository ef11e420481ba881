/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Back end of a keyboard. */
#include "event.h"
#include "fbback.h"
#include "grant.h"
#include "kbdif.h"
#include "pagetable.h"
#include "xenbus.h"

#include <stdlib.h>

struct kbdback {
	struct xenbus bus;
	domid_t dom;
	volatile struct kbd_page *page;
	struct grant_map map; /* of it, unless the front end gives only its frame */
	bool granted;
	port_t port;
	bool connected;
};

static void ignore(void *data)
{
	(void)data; /* the front end took something: there is nothing that waits for it */
}

static void disconnect(void *data)
{
	struct kbdback *back = data;

	if (back->connected)
		event_close(back->port);
	back->connected = false;
	if (back->page && back->granted)
		grant_unmap(&back->map);
	else if (back->page)
		unmap_foreign((void *)(uintptr_t)back->page, 1);
	back->page = NULL;
}

static bool open(struct kbdback *back)
{
	mfn_t frame = xenbus_other_number(&back->bus, "page-ref", 0);
	gref_t ref = (gref_t)xenbus_other_number(&back->bus, "page-gref", 0);
	port_t remote = (port_t)xenbus_other_number(&back->bus, "event-channel", 0);
	int port;

	back->granted = ref && grant_map(&back->map, back->dom, &ref, 1, false);
	back->page = back->granted ? back->map.va : map_foreign(&frame, 1, back->dom, PTE_KERNEL);
	if (!back->page)
		return false;
	port = event_interdomain(back->dom, remote);
	if (port < 0)
		return false;
	back->port = (port_t)port;
	return true;
}

static void connect(void *data)
{
	struct kbdback *back = data;

	if (!open(back)) {
		disconnect(back);
		xenbus_switch(&back->bus, XENBUS_CLOSED);
		return;
	}
	back->connected = true;
	event_handle(back->port, ignore, back);
	xenbus_switch(&back->bus, XENBUS_CONNECTED);
}

static const struct xenbus_service service = {.connect = connect, .disconnect = disconnect};

struct kbdback *kbdback_add(domid_t dom, const char *id)
{
	struct kbdback *back = calloc(1, sizeof(*back));

	if (!back || xenbus_back(&back->bus, "vkbd", dom, id)) {
		free(back);
		return NULL;
	}
	back->dom = dom;
	/* There is no pointer, but saying so (feature-disable-pointer) lets Linux 6.1 follow a NULL
	 * at the first key. */
	xenbus_serve(&back->bus, &service, back);
	return back;
}

void kbdback_remove(struct kbdback *back)
{
	xenbus_forget(&back->bus);
	disconnect(back);
	free(back);
}

void kbdback_key(struct kbdback *back, u32 keycode, bool pressed)
{
	struct kbd_key key = {KBD_KEY, pressed, keycode};
	u32 prod;

	if (!back->connected)
		return;
	prod = back->page->in_prod;
	if (prod - back->page->in_cons >= KBD_IN_ROOM)
		return;
	*(struct kbd_key *)((char *)(uintptr_t)back->page + KBD_IN_AT +
			    prod % KBD_IN_ROOM * KBD_EVENT_SIZE) = key;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	back->page->in_prod = prod + 1;
	event_send(back->port);
}
