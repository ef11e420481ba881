/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event.h"

#include "base.h"
#include "clock.h"
#include "hypercall.h"

#define BITS (sizeof(unsigned long) * 8)

static struct {
	event_fn *fn;
	void *data;
} handlers[MAX_PORTS];

static struct timer *timers; /* soonest first */
static u64 alarm;            /* what Xen's timer is set to */
static u64 shift;            /* our time less Xen's */

static long event_op(unsigned int command, void *argument)
{
	return hypercall(HC_EVENT_CHANNEL_OP, command, (unsigned long)argument, 0, 0);
}

void events_start(void)
{
	int port = event_virq(VIRQ_TIMER);

	if (port < 0)
		panic("no timer");
	event_handle((port_t)port, NULL, NULL);
}

void events_resume(u64 before)
{
	shift = before - (now() - shift);
	for (port_t port = 0; port < MAX_PORTS; port++)
		handlers[port].fn = NULL;
	alarm = 0;
	events_start();
}

int event_unbound_of(domid_t dom, domid_t remote)
{
	struct evtchn_unbound op = {.dom = dom, .remote = remote};
	long rc = event_op(EVTCHN_ALLOC_UNBOUND, &op);

	return rc ? (int)rc : (int)op.port;
}

int event_unbound(domid_t remote)
{
	return event_unbound_of(DOMID_SELF, remote);
}

int event_interdomain(domid_t remote, port_t remote_port)
{
	struct evtchn_interdomain op = {.remote = remote, .remote_port = remote_port};
	long rc = event_op(EVTCHN_BIND_INTERDOMAIN, &op);

	return rc ? (int)rc : (int)op.port;
}

int event_virq(u32 virq)
{
	struct evtchn_virq op = {.virq = virq};
	long rc = event_op(EVTCHN_BIND_VIRQ, &op);

	return rc ? (int)rc : (int)op.port;
}

int event_pirq(u32 pirq, bool shared_line)
{
	struct evtchn_pirq op = {.pirq = pirq, .flags = shared_line};
	long rc = event_op(EVTCHN_BIND_PIRQ, &op);

	return rc ? (int)rc : (int)op.port;
}

static void bit_clear(volatile unsigned long *words, port_t port)
{
	__atomic_fetch_and(&words[port / BITS], ~(1ul << port % BITS), __ATOMIC_SEQ_CST);
}

void event_handle(port_t port, event_fn *fn, void *data)
{
	u32 unmask = port;

	if (port >= MAX_PORTS)
		panic("too many event channels");
	handlers[port].fn = fn;
	handlers[port].data = data;
	event_op(EVTCHN_UNMASK, &unmask);
}

void event_send(port_t port)
{
	u32 argument = port;

	event_op(EVTCHN_SEND, &argument);
}

void event_close(port_t port)
{
	u32 argument = port;

	if (port < MAX_PORTS) {
		handlers[port].fn = NULL;
		__atomic_fetch_or(&shared->mask[port / BITS], 1ul << port % BITS, __ATOMIC_SEQ_CST);
	}
	event_op(EVTCHN_CLOSE, &argument);
}

/* Call the handlers of all pending events. Returns whether there was one. */
static bool dispatch(void)
{
	volatile struct vcpu_info *vcpu = &shared->vcpu[0];
	bool any = false;
	unsigned long words;

	vcpu->upcall_pending = 0;
	words = __atomic_exchange_n(&vcpu->pending_sel, 0, __ATOMIC_SEQ_CST);
	for (; words; words &= words - 1) {
		u32 word = (u32)__builtin_ctzl(words);
		unsigned long ports = shared->pending[word] & ~shared->mask[word];

		for (; ports; ports &= ports - 1) {
			port_t port = word * (u32)BITS + (u32)__builtin_ctzl(ports);

			any = true;
			bit_clear(shared->pending, port);
			if (port < MAX_PORTS && handlers[port].fn)
				handlers[port].fn(handlers[port].data);
		}
	}
	return any;
}

void timer_stop(struct timer *timer)
{
	struct timer **at = &timers;

	if (!timer->armed)
		return;
	while (*at != timer)
		at = &(*at)->next;
	*at = timer->next;
	timer->armed = false;
}

void timer_set(struct timer *timer, u64 at)
{
	struct timer **place = &timers;

	timer_stop(timer);
	timer->at = at;
	while (*place && (*place)->at <= at)
		place = &(*place)->next;
	timer->next = *place;
	*place = timer;
	timer->armed = true;
}

static bool run_timers(void)
{
	bool any = false;
	u64 time = timers ? now() : 0; /* where there are none, nobody need look at the clock */

	while (timers && timers->at <= time) {
		struct timer *timer = timers;

		timer_stop(timer);
		timer->fn(timer->data);
		any = true;
	}
	return any;
}

void loop(u64 until)
{
	bool timed = run_timers();

	if (dispatch() || timed)
		return;
	if (timers && timers->at < until)
		until = timers->at;
	if (until != UINT64_MAX && until <= now())
		return;
	if (until != alarm) {
		alarm = until;
		if (hc_set_timer(until == UINT64_MAX ? 0 : until - shift))
			return; /* the time is over already */
	}
	hypercall(HC_SCHED_OP, SCHED_BLOCK, 0, 0, 0);
	shared->vcpu[0].upcall_mask = 1;
	run_timers();
	dispatch();
}

void sleep_until(u64 at)
{
	while (now() < at)
		loop(at);
}

u64 now(void)
{
	volatile struct vcpu_time *time = &shared->vcpu[0].time;
	u32 version;
	u64 result;

	do {
		version = time->version;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		result = time->system + scale(cycles() - time->tsc, time->mul, time->shift);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (version & 1 || version != time->version);
	return result + shift;
}

u64 wall_clock(void)
{
	u32 version;
	u64 seconds;

	do {
		version = shared->wc_version;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		seconds = shared->wc_sec;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (version & 1 || version != shared->wc_version);
	return seconds + (now() - shift) / SECOND;
}
