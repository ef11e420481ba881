/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Front end of a network: a page for every entry of both rings, granted once and for all. */
#include "event.h"
#include "grant.h"
#include "memory.h"
#include "netif.h"
#include "ring.h"
#include "xenbus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFERS 64 /* of each direction; a ring has room for 256 */

struct buffer {
	char *page;
	gref_t ref;
	bool used; /* of the sending ones: the back end has it */
};

struct netfront {
	struct nic nic;
	struct xenbus bus;
	void *tx_page, *rx_page;
	struct ring tx, rx;
	gref_t tx_ref, rx_ref;
	port_t port;
	struct buffer sending[BUFFERS], receiving[BUFFERS];
};

static void reap(struct netfront *front)
{
	while (ring_has_response(&front->tx)) {
		struct netif_tx_response response =
		    *(struct netif_tx_response *)ring_entry(&front->tx, front->tx.cons++);

		if (response.id < BUFFERS)
			front->sending[response.id].used = false;
	}
}

static void send(struct nic *nic, const void *frame, size_t size)
{
	struct netfront *front = nic->driver;
	struct netif_tx_request *request;
	u16 id = 0;

	reap(front);
	while (id < BUFFERS && front->sending[id].used)
		id++;
	if (front->bus.state != XENBUS_CONNECTED || id == BUFFERS || size < FRAME_MIN ||
	    size > FRAME_MAX) {
		nic->dropped++;
		return;
	}
	memcpy(front->sending[id].page, frame, size);
	front->sending[id].used = true;
	request = ring_entry(&front->tx, front->tx.prod++);
	*request =
	    (struct netif_tx_request){.ref = front->sending[id].ref, .id = id, .size = (u16)size};
	if (ring_push_requests(&front->tx))
		event_send(front->port);
	nic->sent++;
}

static void offer(struct netfront *front, u16 id)
{
	struct netif_rx_request *request = ring_entry(&front->rx, front->rx.prod++);

	*request = (struct netif_rx_request){.id = id, .ref = front->receiving[id].ref};
}

static void received(struct netfront *front, struct netif_rx_response response)
{
	char frame[FRAME_MAX];

	if (response.id >= BUFFERS)
		return;
	if (response.status < (int)FRAME_MIN || response.status > (int)FRAME_MAX ||
	    response.offset + (u32)response.status > PAGE_SIZE ||
	    response.flags & (NETRX_MORE | NETRX_EXTRA)) {
		front->nic.dropped++;
		offer(front, response.id);
		return;
	}
	memcpy(frame, front->receiving[response.id].page + response.offset,
	       (size_t)response.status);
	offer(front, response.id);
	front->nic.received++;
	if (front->nic.receive)
		front->nic.receive(&front->nic, frame, (size_t)response.status);
}

static void serve(void *data)
{
	struct netfront *front = data;

	reap(front);
	while (ring_has_response(&front->rx)) {
		struct netif_rx_response response =
		    *(struct netif_rx_response *)ring_entry(&front->rx, front->rx.cons++);

		received(front, response);
	}
	if (ring_push_requests(&front->rx))
		event_send(front->port);
}

static bool make_pages(struct netfront *front)
{
	front->tx_page = pages_alloc(1);
	front->rx_page = pages_alloc(1);
	for (u32 i = 0; i < BUFFERS; i++) {
		front->sending[i].page = pages_alloc(1);
		front->receiving[i].page = pages_alloc(1);
		if (!front->sending[i].page || !front->receiving[i].page)
			return false;
	}
	return front->tx_page && front->rx_page;
}

static bool give(struct netfront *front, struct buffer *buffer, bool readonly)
{
	buffer->used = false;
	buffer->ref = grant_give(front->bus.other_id, buffer->page, readonly);
	return buffer->ref;
}

static bool give_ring(struct netfront *front, struct ring *ring, void *page, gref_t *ref, u32 size)
{
	memset(page, 0, PAGE_SIZE);
	ring_create(ring, page, size);
	*ref = grant_give(front->bus.other_id, page, false);
	return *ref;
}

static bool give_pages(struct netfront *front)
{
	for (u16 i = 0; i < BUFFERS; i++)
		if (!give(front, &front->sending[i], true) ||
		    !give(front, &front->receiving[i], false))
			return false;
	return give_ring(front, &front->tx, front->tx_page, &front->tx_ref, NETIF_TX_SIZE) &&
	       give_ring(front, &front->rx, front->rx_page, &front->rx_ref, NETIF_RX_SIZE);
}

static int tell(struct netfront *front)
{
	for (;;) {
		int tx = xs_begin(), rc;

		if (tx < 0)
			return tx;
		xenbus_put(&front->bus, (u32)tx, "tx-ring-ref", front->tx_ref);
		xenbus_put(&front->bus, (u32)tx, "rx-ring-ref", front->rx_ref);
		xenbus_put(&front->bus, (u32)tx, "event-channel", front->port);
		xenbus_put(&front->bus, (u32)tx, "request-rx-copy", 1);
		xenbus_put(&front->bus, (u32)tx, "feature-rx-notify", 1);
		xenbus_put(&front->bus, (u32)tx, "feature-no-csum-offload", 1);
		rc = xs_end((u32)tx, true);
		if (rc != -XS_EAGAIN)
			return rc;
	}
}

/* The first time, and in every domain after that. What was on its way then is lost, as on any wire.
 */
static bool connect(void *data)
{
	struct netfront *front = data;
	int port;

	if (!xenbus_wait(&front->bus, XENBUS_INIT_WAIT, 30 * SECOND) || !give_pages(front))
		return false;
	port = event_unbound(front->bus.other_id);
	if (port < 0)
		return false;
	front->port = (port_t)port;
	for (u16 i = 0; i < BUFFERS; i++)
		offer(front, i);
	ring_push_requests(&front->rx);
	event_handle(front->port, serve, front);
	if (tell(front) || xenbus_switch(&front->bus, XENBUS_CONNECTED) ||
	    !xenbus_wait(&front->bus, XENBUS_CONNECTED, 30 * SECOND))
		return false;
	event_send(front->port); /* the back end may have waited for our buffers */
	if (front->nic.moved)
		front->nic.moved(&front->nic);
	return true;
}

struct nic *netfront_open(const char *id)
{
	struct netfront *front = calloc(1, sizeof(*front));
	char path[48], mac[24];

	snprintf(path, sizeof(path), "device/vif/%s/mac", id);
	if (front) {
		front->nic.name = front->bus.path;
		front->nic.send = send;
		front->nic.driver = front;
	}
	if (!front || !make_pages(front) || xs_read(XS_NO_TX, path, mac, sizeof(mac)) < 0 ||
	    !mac_parse(mac, front->nic.mac) ||
	    !xenbus_open(&front->bus, "vif", id, connect, front)) {
		printf("netfront: %s cannot be connected\n", id);
		return NULL;
	}
	return &front->nic;
}
