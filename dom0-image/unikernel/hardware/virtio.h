/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtio 1.0 devices on PCI (OASIS virtio-v1.0, 2 and 4.1), with queues whose parts are a page
 * each. */
#ifndef HARDWARE_VIRTIO_H
#define HARDWARE_VIRTIO_H

#include "irq.h"
#include "pci.h"

#define VIRTIO_VENDOR   0x1af4
#define VIRTIO_F_MODERN (1ull << 32)
#define QUEUE_MAX       128u

struct virtio {
	volatile u8 *common, *notify, *isr, *device;
	u32 notify_step;
	u64 features; /* agreed on */
	struct irq irq;
};

struct virtqueue {
	struct virtio *virtio;
	u16 number, size;
	struct virtq_desc *desc;
	volatile struct virtq_avail *avail;
	volatile struct virtq_used *used;
	u16 free_head, free_count, taken;
	volatile u16 *notify;
	void *cookies[QUEUE_MAX];
};

/* A part of a request that lies in one page. */
struct piece {
	const void *data;
	u32 size;
	bool in; /* the device writes it */
};

/* Find the device's registers and agree on features, of which it must have those in `need`. */
bool virtio_open(struct virtio *virtio, const struct pci *pci, u64 want, u64 need);
bool virtio_queue(struct virtio *virtio, struct virtqueue *queue, u16 number);
/* Queues are there: let it begin, and serve its interrupts. */
void virtio_begin(struct virtio *virtio, const struct pci *pci, bool (*serve)(void *data),
		  void *data);
/* Take back the interrupt's line; at the start of every serve(). */
void virtio_acknowledge(struct virtio *virtio);

/* Put a request into the queue; false if it does not fit now. */
bool virtqueue_add(struct virtqueue *queue, const struct piece *pieces, u16 count, void *cookie);
void virtqueue_kick(struct virtqueue *queue);
/* The cookie of a request that is done, and how much was written; NULL if there is none. */
void *virtqueue_take(struct virtqueue *queue, u32 *size);

#endif
