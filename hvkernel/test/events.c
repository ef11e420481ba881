/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest.h"
#include "lib.h"

static void set_timer(u64 deadline)
{
#ifdef __i386__
	CALL2(set_timer_op, deadline, deadline >> 32);
#else
	CALL1(set_timer_op, deadline);
#endif
}

/* As public/xen.h describes it. */
u64 system_time(void)
{
	volatile struct vcpu_time_info *t = &shared->vcpu_info[0].time;
	u32 low, high, version;
	u64 delta, result;

	do {
		version = t->version;
		__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
		delta = ((u64)high << 32 | low) - t->tsc_timestamp;
		delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
		result = t->system_time + (delta >> 32) * t->tsc_to_system_mul +
			 ((delta & 0xffffffff) * t->tsc_to_system_mul >> 32);
	} while (version & 1 || version != t->version);
	return result;
}

void nap(u64 ns)
{
	struct sched_poll poll = {0, 0, system_time() + ns};

	CALL2(sched_op, SCHEDOP_poll, &poll);
}

void test_events(void)
{
	struct evtchn_bind_virq virq = {VIRQ_TIMER, 0, 0};
	struct evtchn_alloc_unbound unbound = {DOMID_SELF, DOMID_SELF, 0};
	struct evtchn_bind_interdomain inter = {DOMID_SELF, 0, 0};
	struct evtchn_port port;
	struct sched_poll poll;
	u64 before, after;
	unsigned int seen;

	check(!CALL2(event_channel_op, EVTCHNOP_bind_virq, &virq), "bind_virq timer");
	check(CALL2(event_channel_op, EVTCHNOP_bind_virq, &virq) < 0, "only once");
	/* Events stay masked until block, which opens them: one that is early is not missed. */
	seen = traps_seen[256];
	before = system_time();
	set_timer(before + 5000000);
	CALL2(sched_op, SCHEDOP_block, 0);
	after = system_time();
	check(traps_seen[256] > seen && last_port == virq.port, "block ends with the timer");
	check(after - before >= 5000000 && after - before < 500000000, "after the time asked for");

	check(!CALL2(event_channel_op, EVTCHNOP_alloc_unbound, &unbound), "alloc_unbound");
	inter.remote_port = unbound.port;
	check(!CALL2(event_channel_op, EVTCHNOP_bind_interdomain, &inter), "bind_interdomain");
	port.port = inter.local_port;
	last_port = 0;
	check(!CALL2(event_channel_op, EVTCHNOP_send, &port), "send");
	check(last_port == unbound.port, "the other end gets it at once");

	/* Masked: nothing comes until it is unmasked. */
	set_bit(shared->evtchn_mask, unbound.port);
	last_port = 0;
	CALL2(event_channel_op, EVTCHNOP_send, &port);
	check(!last_port, "a masked port is silent");
	poll.ports = (ulong)&unbound.port;
	poll.nr_ports = 1;
	poll.timeout = 0;
	check(!CALL2(sched_op, SCHEDOP_poll, &poll), "poll sees a masked port");
	port.port = unbound.port;
	CALL2(event_channel_op, EVTCHNOP_unmask, &port);
	check(last_port == unbound.port, "unmask delivers it");
	before = system_time();
	poll.timeout = before + 3000000;
	CALL2(sched_op, SCHEDOP_poll, &poll);
	check(system_time() - before >= 3000000, "poll times out");
	check(!CALL2(event_channel_op, EVTCHNOP_close, &port), "close");
	check(CALL2(event_channel_op, EVTCHNOP_send, &port) < 0, "a closed port sends nothing");
}
