/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event channels, two levels: a port is a bit in shared_info, with a selector word in vcpu_info. */
#include "cpus.h"
#include "errno.h"
#include "event.h"
#include "frame.h"
#include "guest.h"
#include "lib.h"
#include "sched.h"

struct evtchn *event_port(struct domain *d, u32 port)
{
	struct evtchn *page;

	if (!port || port >= MAX_EVTCHNS)
		return NULL;
	page = d->ports[port / EVTCHNS_PER_PAGE];
	return page ? &page[port % EVTCHNS_PER_PAGE] : NULL;
}

int event_free_port(struct domain *d, u32 *out)
{
	if (d->dying)
		return -EINVAL;
	for (u32 port = 1; port < MAX_EVTCHNS; port++) {
		struct evtchn **page = &d->ports[port / EVTCHNS_PER_PAGE];

		if (!*page)
			*page = domain_hv_alloc(d, 0);
		if (!*page)
			return -ENOMEM;
		if ((*page)[port % EVTCHNS_PER_PAGE].state == EVTCHNSTAT_closed) {
			clear_bit(d->shared->evtchn_pending, port);
			*out = port;
			return 0;
		}
	}
	return -ENOSPC;
}

void vcpu_mark_pending(struct vcpu *v)
{
	__atomic_store_n(&v->info->upcall_pending, 1, __ATOMIC_SEQ_CST);
	if (v->state & VCPU_BLOCKED)
		vcpu_clear_state(v, VCPU_BLOCKED);
	else if (v->running && v != current)
		cpu_kick(v->cpu); /* so that it looks at it */
}

void event_set_pending(struct domain *d, struct vcpu *v, u32 port)
{
	if (test_and_set_bit(d->shared->evtchn_pending, port))
		return;
	/* A domain that is being built may have no vcpus yet. */
	if (v && !test_bit(d->shared->evtchn_mask, port)) {
		set_bit(&v->info->pending_sel, port / BITS_PER_LONG);
		vcpu_mark_pending(v);
	}
	for (unsigned int i = 0; i < d->max_vcpus; i++) {
		struct vcpu *p = d->vcpu[i];

		if (p->polling && (!p->poll_port || p->poll_port == port)) {
			p->polling = false;
			timer_stop(&p->poll_timer);
			vcpu_clear_state(p, VCPU_BLOCKED);
		}
	}
}

bool event_is_pending(struct domain *d, u32 port)
{
	return port < MAX_EVTCHNS && test_bit(d->shared->evtchn_pending, port);
}

void send_virq(struct vcpu *v, u32 virq)
{
	struct evtchn *e = event_port(v->domain, v->virq_port[virq]);

	if (e)
		event_set_pending(v->domain, v->domain->vcpu[e->vcpu], v->virq_port[virq]);
}

void send_dom0_virq(u32 virq)
{
	if (dom0 && dom0->max_vcpus)
		send_virq(dom0->vcpu[0], virq);
}

void send_pirq(struct domain *d, u32 port)
{
	struct evtchn *e = event_port(d, port);

	if (e)
		event_set_pending(d, d->vcpu[e->vcpu], port);
}

int event_send(struct domain *d, u32 port)
{
	struct evtchn *e = event_port(d, port);
	struct domain *remote;
	struct evtchn *other;

	if (!e)
		return -EINVAL;
	switch (e->state) {
	case EVTCHNSTAT_interdomain:
		remote = domain_by_id(e->remote);
		other = remote ? event_port(remote, e->remote_port) : NULL;
		if (other)
			event_set_pending(remote, remote->vcpu[other->vcpu], e->remote_port);
		return 0;
	case EVTCHNSTAT_ipi:
		event_set_pending(d, d->vcpu[e->vcpu], port);
		return 0;
	case EVTCHNSTAT_unbound:
		return 0; /* nobody listens */
	default:
		return -EINVAL;
	}
}

int event_alloc_unbound(struct domain *d, domid_t remote, u32 *port)
{
	int error = event_free_port(d, port);
	struct evtchn *e;

	if (error)
		return error;
	e = event_port(d, *port);
	e->state = EVTCHNSTAT_unbound;
	e->remote = remote == DOMID_SELF ? current->domain->id : remote;
	e->remote_port = 0;
	e->vcpu = 0;
	return 0;
}

int event_close(struct domain *d, u32 port)
{
	struct evtchn *e = event_port(d, port), *other;
	struct domain *remote;

	if (!e || e->state == EVTCHNSTAT_closed)
		return -EINVAL;
	switch (e->state) {
	case EVTCHNSTAT_interdomain:
		remote = domain_by_id(e->remote);
		other = remote ? event_port(remote, e->remote_port) : NULL;
		if (other) {
			other->state = EVTCHNSTAT_unbound;
			other->remote = d->id;
			other->remote_port = 0;
		}
		break;
	case EVTCHNSTAT_virq:
		for (unsigned int i = 0; i < d->max_vcpus; i++)
			if (d->vcpu[i]->virq_port[e->irq] == port)
				d->vcpu[i]->virq_port[e->irq] = 0;
		break;
	case EVTCHNSTAT_pirq:
		pirq_unbind(e->irq);
		break;
	}
	memset(e, 0, sizeof(*e));
	return 0;
}

void events_close_all(struct domain *d)
{
	for (u32 port = 1; port < MAX_EVTCHNS; port++)
		event_close(d, port);
}

void events_free(struct domain *d)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(d->ports); i++)
		if (d->ports[i])
			domain_hv_free(d, d->ports[i], 0);
}
