/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercall 32, event_channel_op. */
#include "cpus.h"
#include "errno.h"
#include "event.h"
#include "frame.h"
#include "guest.h"
#include "lib.h"

static int bind_interdomain(struct evtchn_bind_interdomain *op)
{
	struct domain *d = current->domain;
	domid_t id = op->remote_dom == DOMID_SELF ? d->id : op->remote_dom;
	struct domain *remote = domain_by_id(id);
	struct evtchn *theirs, *ours;
	int error;

	if (!remote || remote->dying)
		return -ESRCH;
	theirs = event_port(remote, op->remote_port);
	if (!theirs || theirs->state != EVTCHNSTAT_unbound || theirs->remote != d->id)
		return -EINVAL;
	error = event_free_port(d, &op->local_port);
	if (error)
		return error;
	ours = event_port(d, op->local_port);
	ours->state = theirs->state = EVTCHNSTAT_interdomain;
	ours->remote = id;
	ours->remote_port = (u16)op->remote_port;
	ours->vcpu = 0;
	theirs->remote_port = (u16)op->local_port;
	/* What was sent while nobody listened is not lost: the new end looks once. */
	event_set_pending(d, d->vcpu[0], op->local_port);
	return 0;
}

static bool virq_is_global(u32 virq)
{
	return virq == VIRQ_CONSOLE || virq == VIRQ_DOM_EXC;
}

static int bind_virq(struct evtchn_bind_virq *op)
{
	struct domain *d = current->domain;
	struct evtchn *e;
	int error;

	if (op->virq >= NR_VIRQS || op->vcpu >= d->max_vcpus)
		return -EINVAL;
	if (virq_is_global(op->virq) && op->vcpu)
		return -EINVAL;
	if (virq_is_global(op->virq) && !d->privileged)
		return -EPERM;
	if (d->vcpu[op->vcpu]->virq_port[op->virq])
		return -EEXIST;
	error = event_free_port(d, &op->port);
	if (error)
		return error;
	e = event_port(d, op->port);
	e->state = EVTCHNSTAT_virq;
	e->irq = op->virq;
	e->vcpu = (u16)op->vcpu;
	d->vcpu[op->vcpu]->virq_port[op->virq] = (u16)op->port;
	return 0;
}

static int bind_ipi(struct evtchn_bind_ipi *op)
{
	struct domain *d = current->domain;
	int error;

	if (op->vcpu >= d->max_vcpus)
		return -ENOENT;
	error = event_free_port(d, &op->port);
	if (error)
		return error;
	event_port(d, op->port)->state = EVTCHNSTAT_ipi;
	event_port(d, op->port)->vcpu = (u16)op->vcpu;
	return 0;
}

static int bind_pirq(struct evtchn_bind_pirq *op)
{
	struct domain *d = current->domain;
	int error;

	if (!d->privileged)
		return -EPERM;
	error = event_free_port(d, &op->port);
	if (error)
		return error;
	error = pirq_bind(d, op->pirq, op->port);
	if (error)
		return error;
	event_port(d, op->port)->state = EVTCHNSTAT_pirq;
	event_port(d, op->port)->vcpu = 0;
	event_port(d, op->port)->irq = op->pirq;
	return 0;
}

static int status(struct evtchn_status *op)
{
	struct domain *d = domain_for(op->dom);
	struct evtchn *e;

	if (!d)
		return -ESRCH;
	e = event_port(d, op->port);
	op->status = e ? e->state : EVTCHNSTAT_closed;
	op->vcpu = e ? e->vcpu : 0;
	if (!e)
		return op->port && op->port < MAX_EVTCHNS ? 0 : -EINVAL;
	if (e->state == EVTCHNSTAT_unbound || e->state == EVTCHNSTAT_interdomain) {
		op->u.interdomain.dom = e->remote;
		op->u.interdomain.port = e->remote_port;
	} else {
		op->u.pirq = e->irq;
	}
	return 0;
}

static int bind_vcpu(const struct evtchn_bind_vcpu *op)
{
	struct domain *d = current->domain;
	struct evtchn *e = event_port(d, op->port);

	if (op->vcpu >= d->max_vcpus)
		return -ENOENT;
	if (!e || e->state == EVTCHNSTAT_closed || e->state == EVTCHNSTAT_ipi)
		return -EINVAL;
	if (e->state == EVTCHNSTAT_virq && !virq_is_global(e->irq))
		return -EINVAL;
	e->vcpu = (u16)op->vcpu;
	return 0;
}

static int unmask(u32 port)
{
	struct domain *d = current->domain;
	struct evtchn *e = event_port(d, port);
	struct vcpu *v;

	if (!e || e->vcpu >= d->max_vcpus)
		return -EINVAL;
	clear_bit(d->shared->evtchn_mask, port);
	if (e->state == EVTCHNSTAT_pirq)
		pirq_eoi(d, e->irq);
	if (!test_bit(d->shared->evtchn_pending, port))
		return 0;
	v = d->vcpu[e->vcpu];
	set_bit(&v->info->pending_sel, port / BITS_PER_LONG);
	vcpu_mark_pending(v);
	return 0;
}

static int alloc_unbound(struct evtchn_alloc_unbound *op)
{
	struct domain *d = domain_for(op->dom);

	return d ? event_alloc_unbound(d, op->remote_dom, &op->port) : -ESRCH;
}

static int reset(const struct evtchn_reset *op)
{
	struct domain *d = domain_for(op->dom);

	if (!d)
		return -ESRCH;
	events_close_all(d);
	return 0;
}

union any_op {
	struct evtchn_alloc_unbound alloc_unbound;
	struct evtchn_bind_interdomain bind_interdomain;
	struct evtchn_bind_virq bind_virq;
	struct evtchn_bind_pirq bind_pirq;
	struct evtchn_bind_ipi bind_ipi;
	struct evtchn_port port;
	struct evtchn_status status;
	struct evtchn_bind_vcpu bind_vcpu;
	struct evtchn_reset reset;
};

static const u8 op_sizes[] = {
    [EVTCHNOP_bind_interdomain] = sizeof(struct evtchn_bind_interdomain),
    [EVTCHNOP_bind_virq] = sizeof(struct evtchn_bind_virq),
    [EVTCHNOP_bind_pirq] = sizeof(struct evtchn_bind_pirq),
    [EVTCHNOP_close] = sizeof(struct evtchn_port),
    [EVTCHNOP_send] = sizeof(struct evtchn_port),
    [EVTCHNOP_status] = sizeof(struct evtchn_status),
    [EVTCHNOP_alloc_unbound] = sizeof(struct evtchn_alloc_unbound),
    [EVTCHNOP_bind_ipi] = sizeof(struct evtchn_bind_ipi),
    [EVTCHNOP_bind_vcpu] = sizeof(struct evtchn_bind_vcpu),
    [EVTCHNOP_unmask] = sizeof(struct evtchn_port),
    [EVTCHNOP_reset] = sizeof(struct evtchn_reset),
};

static long run_op(u32 cmd, union any_op *op)
{
	switch (cmd) {
	case EVTCHNOP_bind_interdomain:
		return bind_interdomain(&op->bind_interdomain);
	case EVTCHNOP_bind_virq:
		return bind_virq(&op->bind_virq);
	case EVTCHNOP_bind_pirq:
		return bind_pirq(&op->bind_pirq);
	case EVTCHNOP_close:
		return event_close(current->domain, op->port.port);
	case EVTCHNOP_send:
		return event_send(current->domain, op->port.port);
	case EVTCHNOP_status:
		return status(&op->status);
	case EVTCHNOP_alloc_unbound:
		return alloc_unbound(&op->alloc_unbound);
	case EVTCHNOP_bind_ipi:
		return bind_ipi(&op->bind_ipi);
	case EVTCHNOP_bind_vcpu:
		return bind_vcpu(&op->bind_vcpu);
	case EVTCHNOP_unmask:
		return unmask(op->port.port);
	default:
		return reset(&op->reset);
	}
}

long event_channel_op(u32 cmd, ulong arg)
{
	union any_op op;
	long result;

	/* Init_control and what follows it would be FIFO events: guests fall back to two levels. */
	if (cmd >= ARRAY_SIZE(op_sizes))
		return -ENOSYS;
	/* All of what the command reads, and no more than it tells back. */
	if (!copy_from_guest(&op, arg, op_sizes[cmd]))
		return -EFAULT;
	result = run_op(cmd, &op);
	if (!result && cmd != EVTCHNOP_send && !copy_to_guest(arg, &op, op_sizes[cmd]))
		return -EFAULT;
	return result;
}
