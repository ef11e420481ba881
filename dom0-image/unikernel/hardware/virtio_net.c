/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A virtio network card (virtio-v1.0, 5.1), without any offload. */
#include "bridge.h"
#include "drivers.h"
#include "memory.h"
#include "virtio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFERS 64u
#define HEADER  12u /* all zero: nothing was left to the other side */
#define F_MAC   (1ull << 5)

struct virtio_net {
	struct nic nic;
	struct virtio virtio;
	struct virtqueue rx, tx;
	char *receiving[BUFFERS], *sending[BUFFERS]; /* a page each */
	char *idle[BUFFERS];
	u32 idle_count;
	char name[8];
};

static void reap(struct virtio_net *net)
{
	char *page;
	u32 size;

	while ((page = virtqueue_take(&net->tx, &size)))
		net->idle[net->idle_count++] = page;
}

static void send(struct nic *nic, const void *frame, size_t size)
{
	struct virtio_net *net = nic->driver;
	struct piece piece;
	char *page;

	reap(net);
	if (!net->idle_count || size > FRAME_MAX) {
		nic->dropped++;
		return;
	}
	page = net->idle[--net->idle_count];
	memset(page, 0, HEADER);
	memcpy(page + HEADER, frame, size);
	piece = (struct piece){page, HEADER + (u32)size, false};
	virtqueue_add(&net->tx, &piece, 1, page); /* there is room: no more buffers than entries */
	virtqueue_kick(&net->tx);
	nic->sent++;
}

static void offer(struct virtio_net *net, char *page)
{
	struct piece piece = {page, (u32)PAGE_SIZE, true};

	virtqueue_add(&net->rx, &piece, 1, page);
}

static bool serve(void *data)
{
	struct virtio_net *net = data;
	bool any = false;
	char *page;
	u32 size;

	virtio_acknowledge(&net->virtio);
	reap(net);
	while ((page = virtqueue_take(&net->rx, &size))) {
		any = true;
		if (size >= HEADER + FRAME_MIN && size <= HEADER + FRAME_MAX) {
			net->nic.received++;
			if (net->nic.receive)
				net->nic.receive(&net->nic, page + HEADER, size - HEADER);
		}
		offer(net, page);
	}
	if (any)
		virtqueue_kick(&net->rx);
	return any;
}

static bool make_buffers(struct virtio_net *net)
{
	for (u32 i = 0; i < BUFFERS; i++) {
		net->receiving[i] = pages_alloc(1);
		net->sending[i] = pages_alloc(1);
		if (!net->receiving[i] || !net->sending[i])
			return false;
		net->idle[net->idle_count++] = net->sending[i];
		if (i < net->rx.size)
			offer(net, net->receiving[i]);
	}
	return net->tx.size >= BUFFERS;
}

bool virtio_net_probe(const struct pci *pci)
{
	static char next_digit = '0';
	struct virtio_net *net;

	if (pci->vendor != VIRTIO_VENDOR || (pci->device != 0x1000 && pci->device != 0x1041))
		return false;
	net = calloc(1, sizeof(*net));
	if (!net || !virtio_open(&net->virtio, pci, 0, F_MAC | VIRTIO_F_MODERN) ||
	    !virtio_queue(&net->virtio, &net->rx, 0) || !virtio_queue(&net->virtio, &net->tx, 1) ||
	    !make_buffers(net))
		return false;
	for (u32 i = 0; i < 6; i++)
		net->nic.mac[i] = net->virtio.device[i];
	snprintf(net->name, sizeof(net->name), "vn%c", next_digit++);
	net->nic.name = net->name;
	net->nic.send = send;
	net->nic.driver = net;
	virtio_begin(&net->virtio, pci, serve, net);
	virtqueue_kick(&net->rx);
	return bridge_join(&net->nic);
}
