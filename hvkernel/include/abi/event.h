/* SPDX-License-Identifier: GPL-2.0-or-later */
/* public/event_channel.h */
#ifndef HV_ABI_EVENT_H
#define HV_ABI_EVENT_H

#include "types.h"

enum {
	EVTCHNOP_bind_interdomain,
	EVTCHNOP_bind_virq,
	EVTCHNOP_bind_pirq,
	EVTCHNOP_close,
	EVTCHNOP_send,
	EVTCHNOP_status,
	EVTCHNOP_alloc_unbound,
	EVTCHNOP_bind_ipi,
	EVTCHNOP_bind_vcpu,
	EVTCHNOP_unmask,
	EVTCHNOP_reset,
	EVTCHNOP_init_control,
	EVTCHNOP_expand_array,
	EVTCHNOP_set_priority
};
enum {
	EVTCHNSTAT_closed,
	EVTCHNSTAT_unbound,
	EVTCHNSTAT_interdomain,
	EVTCHNSTAT_pirq,
	EVTCHNSTAT_virq,
	EVTCHNSTAT_ipi
};

struct evtchn_alloc_unbound {
	domid_t dom, remote_dom;
	u32 port;
};

struct evtchn_bind_interdomain {
	domid_t remote_dom;
	u32 remote_port, local_port;
};

struct evtchn_bind_virq {
	u32 virq, vcpu, port;
};

struct evtchn_bind_pirq {
	u32 pirq, flags, port;
};

struct evtchn_bind_ipi {
	u32 vcpu, port;
};

struct evtchn_port {
	u32 port; /* of close, send and unmask */
};

struct evtchn_status {
	domid_t dom;
	u32 port;
	u32 status, vcpu;
	union {
		struct {
			domid_t dom;
			u32 port;
		} interdomain; /* unbound: only dom */
		u32 pirq, virq;
	} u;
};

struct evtchn_bind_vcpu {
	u32 port, vcpu;
};

struct evtchn_reset {
	domid_t dom;
};

#endif
