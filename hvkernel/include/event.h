/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HV_EVENT_H
#define HV_EVENT_H

#include "abi/event.h"
#include "domain.h"

struct evtchn {
	u8 state; /* EVTCHNSTAT_* */
	u8 spare;
	u16 vcpu; /* that is told */
	union {
		struct {
			domid_t remote;
			u16 remote_port; /* 0 while unbound */
		};
		u32 irq; /* virq or pirq */
	};
};

#define EVTCHNS_PER_PAGE (PAGE_SIZE / sizeof(struct evtchn))
#define MAX_EVTCHNS      (BITS_PER_LONG * BITS_PER_LONG) /* two levels */
#define EVTCHN_PAGES     (MAX_EVTCHNS / EVTCHNS_PER_PAGE)

long event_channel_op(u32 cmd, ulong arg);
void send_virq(struct vcpu *v, u32 virq);
void send_dom0_virq(u32 virq);
void send_pirq(struct domain *d, u32 port);
int event_free_port(struct domain *d, u32 *port);
int event_close(struct domain *d, u32 port);
void event_set_pending(struct domain *d, struct vcpu *v, u32 port);
int event_send(struct domain *d, u32 port);
int event_alloc_unbound(struct domain *d, domid_t remote, u32 *port);
void events_close_all(struct domain *d);
void events_free(struct domain *d);
struct evtchn *event_port(struct domain *d, u32 port);
bool event_is_pending(struct domain *d, u32 port);
/* Marks an upcall and wakes the vcpu. */
void vcpu_mark_pending(struct vcpu *v);
static inline bool vcpu_wants_upcall(const struct vcpu *v)
{
	return v->info->upcall_pending && !v->info->upcall_mask;
}

/* By the arch: */
int pirq_bind(struct domain *d, u32 pirq, u32 port);
void pirq_unbind(u32 pirq);
void pirq_eoi(struct domain *d, u32 pirq);

#endif
