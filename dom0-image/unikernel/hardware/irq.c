/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "irq.h"

#include "hypercall.h"

#define LINES       256u
#define LOOK        (100 * MILLISECOND)
#define POLL        (2 * MILLISECOND)
#define MOST_MISSED 2u

enum { SET_IOPL = 6, END = 12, MAP_PIRQ = 13, SETUP_GSI = 21, ADD_DEVICE = 25 };
enum { MAP_MSI = 0, MAP_GSI = 1, LEVEL = 1, ACTIVE_LOW = 1, ISA_LINES = 16 };

struct map_pirq {
	domid_t dom;
	s32 type, index, pirq;
	s32 bus, devfn, entry;
	u64 table;
};

struct add_device {
	u16 segment;
	u8 bus, devfn;
	u32 flags;
	u8 function_bus, function_devfn, pad[2];
};

struct setup_gsi {
	s32 gsi;
	u8 triggering, polarity;
};

static struct line {
	struct irq *first;
	bool bound, message;
	u64 count; /* of interrupts */
} lines[LINES];    /* by the number that Xen gives them: of a line, or one of a message (MSI) */

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

	line->count++;
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

/*
 * A message of the device's own instead of a line that it may share. Xen writes where it goes, for
 * devices that it has been told of.
 */
static bool bind_message(const struct pci *pci, u32 *number)
{
	struct map_pirq map = {.dom = DOMID_SELF,
			       .type = MAP_MSI,
			       .index = -1,
			       .pirq = -1,
			       .bus = pci->bus,
			       .devfn = pci->slot << 3 | pci->function};
	struct add_device add = {.bus = pci->bus, .devfn = (u8)map.devfn};
	u32 at = pci->vendor ? pci_capability(pci, PCI_MSI, 0) : 0;
	int port;

	if (at)
		physdev(ADD_DEVICE, &add);
	if (!at || physdev(MAP_PIRQ, &map) || map.pirq < 0 || (u32)map.pirq >= LINES)
		return false;
	port = event_pirq((u32)map.pirq, false);
	if (port < 0)
		return false;
	*number = (u32)map.pirq;
	lines[*number].bound = lines[*number].message = true;
	event_handle((port_t)port, happened, &lines[*number]);
	pci_write(pci, PCI_COMMAND, 2, pci_read(pci, PCI_COMMAND, 2) | PCI_NO_INTX);
	pci_write(pci, at + PCI_MSI_CONTROL, 2,
		  pci_read(pci, at + PCI_MSI_CONTROL, 2) | PCI_MSI_ENABLE);
	return true;
}

static bool bind_line(u32 number)
{
	return number && number != 0xff && (lines[number].bound || bind(number));
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
	u32 number = pci->line;

	*irq = (struct irq){.serve = serve, .data = data};
	irq->look = (struct timer){.fn = look, .data = irq};
	if (!bind_message(pci, &number) && !bind_line(number)) {
		irq->polled = true;
	} else {
		irq->next = lines[number].first;
		lines[number].first = irq;
	}
	timer_set(&irq->look, now() + POLL);
}

bool irq_count(u32 *number, bool *message, u64 *count)
{
	for (; *number < LINES; ++*number)
		if (lines[*number].bound) {
			*message = lines[*number].message;
			*count = lines[*number].count;
			return true;
		}
	return false;
}
