/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "irq.h"

#include "hypercall.h"

#define LINES       256u
#define LOOK        (100 * MILLISECOND)
#define POLL        (2 * MILLISECOND)
#define MOST_MISSED 2u

enum { SET_IOPL = 6, END = 12, MAP_PIRQ = 13, SETUP_GSI = 21 };
enum { MAP_GSI = 1, LEVEL = 1, ACTIVE_LOW = 1, ISA_LINES = 16 };

struct map_pirq {
	domid_t dom;
	s32 type, index, pirq;
	s32 bus, devfn, entry;
	u64 table;
};

struct setup_gsi {
	s32 gsi;
	u8 triggering, polarity;
};

static struct line {
	struct irq *first;
	bool bound;
} lines[LINES];

static long physdev(u32 command, void *argument)
{
	return hypercall(HC_PHYSDEV_OP, command, (unsigned long)argument, 0, 0);
}

/* Ports are dom0's only if it says that it wants them. */
void irqs_start(void)
{
	u32 iopl = 1;

	physdev(SET_IOPL, &iopl);
}

static void happened(void *data)
{
	struct line *line = data;
	u32 number = (u32)(line - lines);

	for (struct irq *irq = line->first; irq; irq = irq->next) {
		irq->heard = true;
		irq->serve(irq->data);
	}
	physdev(END, &number);
}

static bool bind(u32 number)
{
	/* As on the first PCs: the keyboard's and IDE's. */
	bool edge = number == 1 || number == 14 || number == 15;
	struct setup_gsi setup = {(s32)number, edge ? 0 : LEVEL,
				  number >= ISA_LINES ? ACTIVE_LOW : 0};
	struct map_pirq map = {
	    .dom = DOMID_SELF, .type = MAP_GSI, .index = (s32)number, .pirq = (s32)number};
	int port;

	physdev(SETUP_GSI, &setup);
	if (physdev(MAP_PIRQ, &map))
		return false;
	port = event_pirq((u32)map.pirq, true);
	if (port < 0)
		return false;
	lines[number].bound = true;
	event_handle((port_t)port, happened, &lines[number]);
	physdev(END, &number); /* one may have been asserted before we came */
	return true;
}

static void look(void *data)
{
	struct irq *irq = data;
	bool worked = irq->serve(irq->data);

	if (worked && !irq->heard && ++irq->missed > MOST_MISSED)
		irq->polled = true;
	if (irq->heard)
		irq->missed = 0;
	irq->heard = false;
	timer_set(&irq->look, now() + (irq->polled ? POLL : LOOK));
}

void irq_attach(struct irq *irq, const struct pci *pci, bool (*serve)(void *data), void *data)
{
	struct line *line = &lines[pci->line];

	*irq = (struct irq){.serve = serve, .data = data, .line = pci->line};
	irq->look = (struct timer){.fn = look, .data = irq};
	if (!pci->line || pci->line == 0xff || (!line->bound && !bind(pci->line))) {
		irq->polled = true;
	} else {
		irq->next = line->first;
		line->first = irq;
	}
	timer_set(&irq->look, now() + POLL);
}
