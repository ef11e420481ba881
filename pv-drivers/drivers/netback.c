/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Back end of a network: frames are copied by Xen; checksums that the domain left to us are made
 * here. */
#include "netback.h"

#include "event.h"
#include "grant.h"
#include "netif.h"
#include "offload.h"
#include "ring.h"
#include "xenbus.h"

#include <stdio.h>
#include <stdlib.h>

/* Frames at a time: a domain that never stops sending must not keep dom0 to itself. */
#define BUDGET 64u

#define MAX_SLOTS 18u /* of a frame: what Linux's front end may use */

struct netback {
	struct nic nic;
	struct xenbus bus;
	domid_t dom;
	struct ring tx, rx; /* by the front end's view: tx is what it sends */
	struct grant_map tx_map, rx_map;
	port_t port;
	bool connected;
	struct timer again;
	char name[24];
};

static void send(struct nic *nic, const void *frame, size_t size)
{
	struct netback *back = nic->driver;
	struct netif_rx_request request;
	bool ok;

	if (!back->connected || size > FRAME_MAX || !ring_has_request(&back->rx) ||
	    ring_broken(&back->rx)) {
		nic->dropped++;
		return;
	}
	request = *(struct netif_rx_request *)ring_entry(&back->rx, back->rx.cons++);
	ok = grant_write(back->dom, request.ref, 0, frame, (u16)size);
	*(struct netif_rx_response *)ring_entry(&back->rx,
						back->rx.prod++) = (struct netif_rx_response){
	    .id = request.id, .flags = NETRX_DATA_VALID, .status = ok ? (s16)size : NETIF_ERROR};
	if (ring_push_responses(&back->rx))
		event_send(back->port);
	nic->sent++;
}

static void respond(struct netback *back, u16 id, s16 status)
{
	*(struct netif_tx_response *)ring_entry(&back->tx, back->tx.prod++) =
	    (struct netif_tx_response){id, status};
}

/* One frame in its slots: the first has the size of all, and each but the first its own. */
struct gather {
	struct netif_tx_request slot[MAX_SLOTS];
	u32 slots, extras;
	bool ok;
};

static bool next_slot(struct netback *back, struct netif_tx_request *slot)
{
	if (!ring_has_request(&back->tx))
		return false;
	*slot = *(struct netif_tx_request *)ring_entry(&back->tx, back->tx.cons++);
	return true;
}

static void gather(struct netback *back, struct gather *g)
{
	struct netif_tx_request slot;
	u8 extra[NETIF_TX_SIZE];
	bool more = true;

	*g = (struct gather){.ok = true};
	while (more && next_slot(back, &slot)) {
		more = slot.flags & NETTX_MORE;
		if (g->slots < MAX_SLOTS)
			g->slot[g->slots++] = slot;
		else
			respond(back, slot.id, NETIF_ERROR);
		if (g->slots != 1 || !(slot.flags & NETTX_EXTRA))
			continue;
		g->ok = false; /* segmentation, which was not offered */
		do {
			const u8 *entry;

			if (!ring_has_request(&back->tx))
				return;
			entry = ring_entry(&back->tx, back->tx.cons++);
			for (u32 i = 0; i < NETIF_TX_SIZE; i++)
				extra[i] = entry[i];
			g->extras++;
		} while (extra[1] & 1);
	}
	g->ok = g->ok && !more;
}

static size_t read_frame(struct netback *back, const struct gather *g, char *frame)
{
	size_t size = g->slot[0].size, first = size, at = 0;

	for (u32 i = 1; i < g->slots; i++) {
		if (g->slot[i].size > first)
			return 0;
		first -= g->slot[i].size;
	}
	if (size < FRAME_MIN || size > FRAME_MAX)
		return 0;
	for (u32 i = 0; i < g->slots; i++) {
		u16 part = i ? g->slot[i].size : (u16)first;

		if (g->slot[i].offset + part > 4096 ||
		    !grant_read(frame + at, back->dom, g->slot[i].ref, g->slot[i].offset, part))
			return 0;
		at += part;
	}
	return size;
}

static void one_frame(struct netback *back)
{
	char frame[FRAME_MAX];
	struct gather g;
	size_t size;

	gather(back, &g);
	size = g.ok && g.slots ? read_frame(back, &g, frame) : 0;
	for (u32 i = 0; i < g.slots; i++)
		respond(back, g.slot[i].id, size ? NETIF_OK : NETIF_ERROR);
	for (u32 i = 0; i < g.extras; i++)
		respond(back, 0, NETIF_NULL);
	if (ring_push_responses(&back->tx))
		event_send(back->port);
	if (!size) {
		back->nic.dropped++;
		return;
	}
	if (g.slot[0].flags & NETTX_CSUM_BLANK)
		offload_checksum((u8 *)frame, size);
	back->nic.received++;
	if (back->nic.receive)
		back->nic.receive(&back->nic, frame, size);
}

static void disconnect(void *data)
{
	struct netback *back = data;

	if (!back->connected)
		return;
	back->connected = false;
	timer_stop(&back->again);
	event_close(back->port);
	grant_unmap(&back->tx_map);
	grant_unmap(&back->rx_map);
}

static void serve(void *data)
{
	struct netback *back = data;

	for (u32 done = 0; back->connected && ring_has_request(&back->tx); done++) {
		if (done == BUDGET) {
			timer_set(&back->again, now());
			return;
		}
		if (ring_broken(&back->tx)) {
			disconnect(back);
			xenbus_switch(&back->bus, XENBUS_CLOSED);
			return;
		}
		one_frame(back);
	}
}

static void connect(void *data)
{
	struct netback *back = data;
	gref_t tx = (gref_t)xenbus_other_number(&back->bus, "tx-ring-ref", 0);
	gref_t rx = (gref_t)xenbus_other_number(&back->bus, "rx-ring-ref", 0);
	port_t remote = (port_t)xenbus_other_number(&back->bus, "event-channel", 0);
	int port;

	if (!xenbus_other_number(&back->bus, "request-rx-copy", 0))
		return; /* flipping pages is history */
	if (!grant_map(&back->tx_map, back->dom, &tx, 1, false))
		return;
	if (!grant_map(&back->rx_map, back->dom, &rx, 1, false)) {
		grant_unmap(&back->tx_map);
		return;
	}
	port = event_interdomain(back->dom, remote);
	if (port < 0) {
		grant_unmap(&back->tx_map);
		grant_unmap(&back->rx_map);
		return;
	}
	back->port = (port_t)port;
	ring_join(&back->tx, back->tx_map.va, NETIF_TX_SIZE);
	ring_join(&back->rx, back->rx_map.va, NETIF_RX_SIZE);
	back->connected = true;
	event_handle(back->port, serve, back);
	xenbus_switch(&back->bus, XENBUS_CONNECTED);
	serve(back);
}

static const struct xenbus_service service = {.connect = connect, .disconnect = disconnect};

struct netback *netback_add(domid_t dom, const char *id)
{
	struct netback *back = calloc(1, sizeof(*back));

	if (!back || xenbus_back(&back->bus, "vif", dom, id)) {
		free(back);
		return NULL;
	}
	back->dom = dom;
	back->again = (struct timer){.fn = serve, .data = back};
	snprintf(back->name, sizeof(back->name), "vif%u.%s", dom, id);
	back->nic.name = back->name;
	back->nic.send = send;
	back->nic.driver = back;
	xenbus_put(&back->bus, XS_NO_TX, "feature-rx-copy", 1);
	xenbus_put(&back->bus, XS_NO_TX, "feature-sg", 0);
	xenbus_put(&back->bus, XS_NO_TX, "feature-gso-tcpv4", 0);
	xenbus_put_text(&back->bus, XS_NO_TX, "hotplug-status", "connected");
	xenbus_serve(&back->bus, &service, back);
	return back;
}

struct nic *netback_nic(struct netback *back)
{
	return &back->nic;
}

void netback_remove(struct netback *back)
{
	xenbus_forget(&back->bus);
	disconnect(back);
	free(back);
}
