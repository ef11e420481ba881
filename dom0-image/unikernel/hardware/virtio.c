/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "virtio.h"

#include "memory.h"
#include "pagetable.h"

#include <stddef.h>

#define FENCE() __atomic_thread_fence(__ATOMIC_SEQ_CST)

enum { CAP_VENDOR = 9, CAP_COMMON = 1, CAP_NOTIFY = 2, CAP_ISR = 3, CAP_DEVICE = 4 };
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
enum { DESC_NEXT = 1, DESC_WRITE = 2 };

/* Offsets in the common configuration (4.1.4.3). */
enum {
	DEVICE_FEATURE_SELECT = 0,
	DEVICE_FEATURE = 4,
	DRIVER_FEATURE_SELECT = 8,
	DRIVER_FEATURE = 12,
	DEVICE_STATUS = 20,
	QUEUE_SELECT = 22,
	QUEUE_SIZE = 24,
	QUEUE_ENABLE = 28,
	QUEUE_NOTIFY_OFF = 30,
	QUEUE_DESC = 32,
	QUEUE_DRIVER = 40,
	QUEUE_DEVICE = 48,
};

struct virtq_desc {
	u64 address;
	u32 size;
	u16 flags, next;
};

struct virtq_avail {
	u16 flags, index;
	u16 ring[QUEUE_MAX];
};

struct virtq_used {
	u16 flags, index;
	struct {
		u32 id, size;
	} ring[QUEUE_MAX];
};

static void put16(volatile u8 *at, u16 value)
{
	*(volatile u16 *)(volatile void *)at = value;
}

static u16 get16(volatile u8 *at)
{
	return *(volatile u16 *)(volatile void *)at;
}

static void put32(volatile u8 *at, u32 value)
{
	*(volatile u32 *)(volatile void *)at = value;
}

static u32 get32(volatile u8 *at)
{
	return *(volatile u32 *)(volatile void *)at;
}

static void put64(volatile u8 *at, u64 value)
{
	put32(at, (u32)value);
	put32(at + 4, (u32)(value >> 32));
}

/* Map the structure that a capability describes: type at 3, bar at 4, offset at 8, length at 12. */
static volatile u8 *structure(const struct pci *pci, u32 at)
{
	u64 base = pci_memory(pci, pci_read(pci, at + 4, 1));

	return base ? map_device(base + pci_read(pci, at + 8, 4), pci_read(pci, at + 12, 4)) : NULL;
}

static bool find_structures(struct virtio *v, const struct pci *pci)
{
	for (u32 at = 0; (at = pci_capability(pci, CAP_VENDOR, at));) {
		switch (pci_read(pci, at + 3, 1)) {
		case CAP_COMMON:
			v->common = v->common ? v->common : structure(pci, at);
			break;
		case CAP_NOTIFY:
			v->notify = v->notify ? v->notify : structure(pci, at);
			v->notify_step = pci_read(pci, at + 16, 4);
			break;
		case CAP_ISR:
			v->isr = v->isr ? v->isr : structure(pci, at);
			break;
		case CAP_DEVICE:
			v->device = v->device ? v->device : structure(pci, at);
			break;
		}
	}
	return v->common && v->notify && v->isr && v->device;
}

static void add_status(struct virtio *v, u8 status)
{
	v->common[DEVICE_STATUS] |= status;
}

bool virtio_open(struct virtio *v, const struct pci *pci, u64 want, u64 need)
{
	u64 offered = 0;

	*v = (struct virtio){0};
	pci_enable(pci);
	if (!find_structures(v, pci))
		return false;
	v->common[DEVICE_STATUS] = 0;
	while (v->common[DEVICE_STATUS])
		;
	add_status(v, ACKNOWLEDGE);
	add_status(v, DRIVER);
	for (u32 half = 0; half < 2; half++) {
		put32(v->common + DEVICE_FEATURE_SELECT, half);
		offered |= (u64)get32(v->common + DEVICE_FEATURE) << 32 * half;
	}
	v->features = offered & (want | need);
	if ((offered & need) != need)
		return false;
	for (u32 half = 0; half < 2; half++) {
		put32(v->common + DRIVER_FEATURE_SELECT, half);
		put32(v->common + DRIVER_FEATURE, (u32)(v->features >> 32 * half));
	}
	add_status(v, FEATURES_OK);
	return v->common[DEVICE_STATUS] & FEATURES_OK;
}

bool virtio_queue(struct virtio *v, struct virtqueue *q, u16 number)
{
	u16 size;

	put16(v->common + QUEUE_SELECT, number);
	size = get16(v->common + QUEUE_SIZE);
	*q = (struct virtqueue){.virtio = v, .number = number};
	q->size = size < QUEUE_MAX ? size : QUEUE_MAX;
	q->desc = pages_alloc(1);
	q->avail = pages_alloc(1);
	q->used = pages_alloc(1);
	if (!q->size || !q->desc || !q->avail || !q->used)
		return false;
	for (u16 i = 0; i < q->size; i++)
		q->desc[i].next = (u16)(i + 1);
	q->free_count = q->size;
	put16(v->common + QUEUE_SIZE, q->size);
	put64(v->common + QUEUE_DESC, machine_address(q->desc));
	put64(v->common + QUEUE_DRIVER, machine_address((void *)(uintptr_t)q->avail));
	put64(v->common + QUEUE_DEVICE, machine_address((void *)(uintptr_t)q->used));
	q->notify =
	    (volatile u16 *)(volatile void *)(v->notify + (u32)get16(v->common + QUEUE_NOTIFY_OFF) *
							      v->notify_step);
	put16(v->common + QUEUE_ENABLE, 1);
	return true;
}

void virtio_begin(struct virtio *v, const struct pci *pci, bool (*serve)(void *data), void *data)
{
	add_status(v, DRIVER_OK);
	irq_attach(&v->irq, pci, serve, data);
}

void virtio_acknowledge(struct virtio *v)
{
	(void)*v->isr;
}

bool virtqueue_add(struct virtqueue *q, const struct piece *pieces, u16 count, void *cookie)
{
	u16 head = q->free_head, at = head, last = head;

	if (count > q->free_count)
		return false;
	for (u16 i = 0; i < count; i++) {
		struct virtq_desc *desc = &q->desc[at];

		desc->address = machine_address(pieces[i].data);
		desc->size = pieces[i].size;
		desc->flags =
		    (u16)((pieces[i].in ? DESC_WRITE : 0) | (i + 1 < count ? DESC_NEXT : 0));
		last = at;
		at = desc->next;
	}
	q->free_head = q->desc[last].next;
	q->free_count = (u16)(q->free_count - count);
	q->cookies[head] = cookie;
	q->avail->ring[q->avail->index % q->size] = head;
	FENCE();
	q->avail->index++;
	return true;
}

void virtqueue_kick(struct virtqueue *q)
{
	FENCE();
	*q->notify = q->number;
}

void *virtqueue_take(struct virtqueue *q, u32 *size)
{
	u16 head, at;
	u32 id;

	if (q->taken == q->used->index)
		return NULL;
	FENCE();
	id = q->used->ring[q->taken % q->size].id;
	*size = q->used->ring[q->taken % q->size].size;
	q->taken++;
	if (id >= q->size)
		return NULL; /* the device is mad */
	head = at = (u16)id;
	for (q->free_count++; q->desc[at].flags & DESC_NEXT; q->free_count++)
		at = q->desc[at].next;
	q->desc[at].next = q->free_head;
	q->free_head = head;
	return q->cookies[head];
}
