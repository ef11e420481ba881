/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupts of devices: dom0 binds a GSI as a pirq to an event channel. A level-triggered one
 * stays masked from its arrival until dom0 says that it is done (PHYSDEVOP_eoi, or unmask of the
 * port). Messages (MSI) are pirqs behind the last GSI. */
#include "abi/physdev.h"
#include "asm/boot.h"
#include "asm/cpu.h"
#include "cpus.h"
#include "errno.h"
#include "event.h"
#include "guest.h"
#include "hypercall.h"
#include "lib.h"

#define MAX_PIRQS 64 /* and vectors, which have the same order */

static struct {
	struct domain *d;
	u32 port;
	bool level, low, waiting, set, message;
} pirqs[MAX_PIRQS];

void irq_arrived(unsigned int vector)
{
	u32 gsi = vector - VECTOR_DEVICES;

	if (gsi < MAX_PIRQS && pirqs[gsi].d) {
		if (pirqs[gsi].level) {
			gsi_mask(gsi, true);
			pirqs[gsi].waiting = true;
		}
		send_pirq(pirqs[gsi].d, pirqs[gsi].port);
	}
	apic_eoi();
}

static bool gsi_is_known(u32 gsi)
{
	return gsi < MAX_PIRQS && gsi < gsi_count();
}

static bool pirq_is_known(u32 pirq)
{
	return gsi_is_known(pirq) || (pirq < MAX_PIRQS && pirqs[pirq].message);
}

int pirq_bind(struct domain *d, u32 pirq, u32 port)
{
	if (!pirq_is_known(pirq))
		return -EINVAL;
	if (pirqs[pirq].d)
		return -EEXIST;
	if (!pirqs[pirq].set && pirq < 16) {
		pirqs[pirq].level = isa_irqs[pirq].level;
		pirqs[pirq].low = isa_irqs[pirq].low;
	}
	pirqs[pirq].d = d;
	pirqs[pirq].port = port;
	if (!pirqs[pirq].message)
		gsi_set(pirq, VECTOR_DEVICES + pirq, pirqs[pirq].level, pirqs[pirq].low, false);
	return 0;
}

void pirq_unbind(u32 pirq)
{
	if (!pirqs[pirq].message)
		gsi_mask(pirq, true);
	pirqs[pirq].d = NULL;
	pirqs[pirq].waiting = false;
}

void pirq_eoi(struct domain *d, u32 pirq)
{
	if (pirq >= MAX_PIRQS || pirqs[pirq].d != d || !pirqs[pirq].waiting)
		return;
	pirqs[pirq].waiting = false;
	gsi_mask(pirq, false);
}

static long setup_gsi(const struct physdev_setup_gsi *op)
{
	if (op->gsi < 0 || !gsi_is_known((u32)op->gsi))
		return -EINVAL;
	if (pirqs[op->gsi].d)
		return -EBUSY;
	pirqs[op->gsi].level = op->triggering;
	pirqs[op->gsi].low = op->polarity;
	pirqs[op->gsi].set = true;
	return 0;
}

/* A message that comes afterwards all the same is nobody's. */
static long unmap_pirq(const struct physdev_unmap_pirq *op)
{
	if (op->pirq >= 0 && op->pirq < MAX_PIRQS && pirqs[op->pirq].message) {
		if (pirqs[op->pirq].d)
			return -EBUSY;
		pirqs[op->pirq].message = false;
	}
	return 0;
}

static long map_message(struct physdev_map_pirq *op)
{
	u32 pirq = MIN(gsi_count(), MAX_PIRQS);
	int error;

	if (op->table_base)
		return -EOPNOTSUPP; /* no MSI-X */
	while (pirq < MAX_PIRQS && pirqs[pirq].message)
		pirq++;
	if (pirq == MAX_PIRQS)
		return -ENOSPC;
	error = msi_tell((u32)op->bus, (u32)op->devfn, VECTOR_DEVICES + pirq);
	if (error)
		return error;
	pirqs[pirq].message = true;
	op->pirq = (int)pirq;
	return 0;
}

static long map_pirq(struct physdev_map_pirq *op)
{
	if (op->domid != DOMID_SELF && op->domid != current->domain->id)
		return -ESRCH;
	if (op->type == MAP_PIRQ_MSI)
		return map_message(op);
	if (op->type != MAP_PIRQ_GSI)
		return -EOPNOTSUPP;
	if (op->index < 0 || !gsi_is_known((u32)op->index))
		return -EINVAL;
	op->pirq = op->index; /* one to one */
	return 0;
}

static long query(struct physdev_irq_status *op)
{
	if (!pirq_is_known(op->irq))
		return -EINVAL;
	op->flags = pirqs[op->irq].level ? IRQSTAT_needs_eoi : 0;
	return 0;
}

union any_op {
	struct physdev_irq_status status;
	struct physdev_eoi eoi;
	struct physdev_map_pirq map;
	struct physdev_unmap_pirq unmap;
	struct physdev_setup_gsi gsi;
};

static size_t size_of(u32 cmd)
{
	switch (cmd) {
	case PHYSDEVOP_irq_status_query:
		return sizeof(struct physdev_irq_status);
	case PHYSDEVOP_eoi:
		return sizeof(struct physdev_eoi);
	case PHYSDEVOP_map_pirq:
		return sizeof(struct physdev_map_pirq);
	case PHYSDEVOP_unmap_pirq:
		return sizeof(struct physdev_unmap_pirq);
	case PHYSDEVOP_setup_gsi:
		return sizeof(struct physdev_setup_gsi);
	default:
		return 0;
	}
}

static long run_op(u32 cmd, union any_op *op)
{
	switch (cmd) {
	case PHYSDEVOP_irq_status_query:
		return query(&op->status);
	case PHYSDEVOP_eoi:
		pirq_eoi(current->domain, op->eoi.irq);
		return 0;
	case PHYSDEVOP_map_pirq:
		return map_pirq(&op->map);
	case PHYSDEVOP_unmap_pirq:
		return unmap_pirq(&op->unmap);
	default:
		return setup_gsi(&op->gsi);
	}
}

long physdev_op(u32 cmd, ulong arg)
{
	union any_op op;
	size_t size = size_of(cmd);
	long result;

	if (cmd == PHYSDEVOP_set_iopl)
		return 0; /* dom0's ports are open, and nobody else gets any */
	if (!size)
		return -ENOSYS;
	if (!current->domain->arch.io_allowed)
		return -EPERM;
	if (!copy_from_guest(&op, arg, size))
		return -EFAULT;
	result = run_op(cmd, &op);
	if (!result && cmd != PHYSDEVOP_eoi && !copy_to_guest(arg, &op, size))
		return -EFAULT;
	return result;
}
