/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks: event channels, timers and the scheduler's calls. */
#include "suite.h"
#include "errno.h"
#include "lib.h"

static long send(u32 port)
{
	struct evtchn_port op = {port};

	return CALL2(event_channel_op, EVTCHNOP_send, &op);
}

static long close_port(u32 port)
{
	struct evtchn_port op = {port};

	return CALL2(event_channel_op, EVTCHNOP_close, &op);
}

static long bind_to(domid_t dom, u32 port)
{
	struct evtchn_bind_interdomain op = {dom, port, 0};

	return CALL2(event_channel_op, EVTCHNOP_bind_interdomain, &op);
}

REFUSED_TO_DOMU(bind_port_for_another, EINVAL)
{
	return bind_to(bench.neighbour, bench.neighbour_port);
}

REFUSED(bind_port_that_is_closed, EINVAL)
{
	return bind_to(bench.neighbour, bench.neighbour_port + 100);
}

REFUSED(bind_port_beyond_all, EINVAL)
{
	return bind_to(bench.neighbour, 0xffffffff);
}

REFUSED(bind_to_nobody, ESRCH)
{
	return bind_to(0x7000, 1);
}

REFUSED(send_by_closed_port, EINVAL)
{
	return send(900);
}

REFUSED(send_by_port_beyond_all, EINVAL)
{
	return send(0xfffffff0);
}

REFUSED(send_by_port_0, EINVAL)
{
	return send(0);
}

REFUSED(close_port_beyond_all, EINVAL)
{
	return close_port(0x80000001);
}

static long bind_virq(u32 virq, u32 vcpu)
{
	struct evtchn_bind_virq op = {virq, vcpu, 0};

	return CALL2(event_channel_op, EVTCHNOP_bind_virq, &op);
}

REFUSED_TO_DOMU(virq_of_console, EPERM)
{
	return bind_virq(VIRQ_CONSOLE, 0);
}

REFUSED_TO_DOMU(virq_of_domains, EPERM)
{
	return bind_virq(VIRQ_DOM_EXC, 0);
}

REFUSED(virq_beyond_all, EINVAL)
{
	return bind_virq(0xffffffff, 0);
}

REFUSED(virq_for_vcpu_beyond_all, EINVAL)
{
	return bind_virq(VIRQ_TIMER, 31);
}

REFUSED(ipi_for_vcpu_beyond_all, ENOENT)
{
	struct evtchn_bind_ipi op = {0x80000000, 0};

	return CALL2(event_channel_op, EVTCHNOP_bind_ipi, &op);
}

REFUSED_TO_DOMU(pirq, EPERM)
{
	struct evtchn_bind_pirq op = {1, 0, 0};

	return CALL2(event_channel_op, EVTCHNOP_bind_pirq, &op);
}

REFUSED_TO_DOM0(pirq_beyond_all, EINVAL)
{
	struct evtchn_bind_pirq op = {0xfffffff0, 0, 0};

	return CALL2(event_channel_op, EVTCHNOP_bind_pirq, &op);
}

REFUSED_TO_DOMU(port_for_neighbour, ESRCH)
{
	struct evtchn_alloc_unbound op = {bench.neighbour, DOMID_SELF, 0};

	return CALL2(event_channel_op, EVTCHNOP_alloc_unbound, &op);
}

REFUSED_TO_DOMU(ports_of_neighbour_seen, ESRCH)
{
	struct evtchn_status op = {bench.neighbour, 1, 0, 0, {{0, 0}}};

	return CALL2(event_channel_op, EVTCHNOP_status, &op);
}

REFUSED_TO_DOMU(ports_of_neighbour_reset, ESRCH)
{
	struct evtchn_reset op = {bench.neighbour};

	return CALL2(event_channel_op, EVTCHNOP_reset, &op);
}

REFUSED(unmask_beyond_all, EINVAL)
{
	struct evtchn_port op = {0x7fffffff};

	return CALL2(event_channel_op, EVTCHNOP_unmask, &op);
}

REFUSED(move_port_to_vcpu_beyond_all, ENOENT)
{
	struct evtchn_bind_vcpu op = {1, 77};

	return CALL2(event_channel_op, EVTCHNOP_bind_vcpu, &op);
}

REFUSED(fifo_events, ENOSYS)
{
	return CALL2(event_channel_op, EVTCHNOP_init_control, page_alloc());
}

/* All ports, until there are no more; then all are given back. */
REFUSED_TO_DOMU(all_ports, ENOSPC)
{
	struct evtchn_alloc_unbound op = {DOMID_SELF, DOMID_SELF, 0};
	static u32 ports[4096];
	unsigned int n = 0;
	long error;

	while (!(error = CALL2(event_channel_op, EVTCHNOP_alloc_unbound, &op)) &&
	       n < ARRAY_SIZE(ports))
		ports[n++] = op.port;
	while (n--)
		close_port(ports[n]);
	return error;
}

/* Between two ports of ours, as fast as it goes. */
HOLDS(event_flood)
{
	struct evtchn_alloc_unbound op = {DOMID_SELF, DOMID_SELF, 0};
	struct evtchn_bind_interdomain inter = {DOMID_SELF, 0, 0};

	if (CALL2(event_channel_op, EVTCHNOP_alloc_unbound, &op))
		return -1;
	inter.remote_port = op.port;
	if (CALL2(event_channel_op, EVTCHNOP_bind_interdomain, &inter))
		return -2;
	for (unsigned int i = 0; i < 5000; i++)
		if (send(inter.local_port))
			return -3;
	return close_port(inter.local_port) | close_port(op.port);
}

/* Deadlines that are long past, one after the other. */
HOLDS(timer_flood)
{
	for (unsigned int i = 0; i < 5000; i++)
		CALL2(set_timer_op, 1 + i, 0);
	CALL2(set_timer_op, ~0ul, ~0ul);
	return CALL2(set_timer_op, 0, 0);
}

REFUSED(poll_of_too_many, EINVAL)
{
	struct sched_poll op = {(ulong)page_alloc(), 129, 1};

	return CALL2(sched_op, SCHEDOP_poll, &op);
}

REFUSED(poll_of_port_beyond_all, EINVAL)
{
	u32 port = 0xffffffff;
	struct sched_poll op = {(ulong)&port, 1, 1};

	return CALL2(sched_op, SCHEDOP_poll, &op);
}

REFUSED(shutdown_for_unknown_reason, EINVAL)
{
	u32 reason = 0xffffff00;

	return CALL2(sched_op, SCHEDOP_shutdown, &reason);
}

REFUSED_TO_DOMU(shutdown_of_neighbour, ESRCH)
{
	struct sched_remote_shutdown op = {bench.neighbour, SHUTDOWN_crash};

	return CALL2(sched_op, SCHEDOP_remote_shutdown, &op);
}

REFUSED_TO_DOMU(shutdown_of_dom0, ESRCH)
{
	struct sched_remote_shutdown op = {0, SHUTDOWN_poweroff};

	return CALL2(sched_op, SCHEDOP_remote_shutdown, &op);
}
