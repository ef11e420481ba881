/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts of devices, as event channels (public/physdev.h). The routing that the firmware wrote
 * down is taken on trust and watched: a device whose work is found only by looking is looked at
 * often.
 */
#ifndef HARDWARE_IRQ_H
#define HARDWARE_IRQ_H

#include "event.h"
#include "pci.h"

struct irq {
	/* Serve the device; whether there was something to do. */
	bool (*serve)(void *data);
	void *data;
	bool heard;  /* an interrupt came since the last look */
	bool polled; /* interrupts do not come */
	u32 missed;
	struct timer look;
	struct irq *next;
};

void irqs_start(void);
/* The interrupt of *number or the next one that is used: whether it is a message, and how many
 * came. */
bool irq_count(u32 *number, bool *message, u64 *count);
void irq_attach(struct irq *irq, const struct pci *pci, bool (*serve)(void *data), void *data);

#endif
