/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels, timers, and the one loop that serves both. Nothing runs asynchronously: a handler
 * runs when the loop calls it, to its end, and needs no lock.
 */
#ifndef BASE_EVENT_H
#define BASE_EVENT_H

#include "xen.h"

typedef void event_fn(void *data);

struct timer {
	u64 at; /* ns since boot */
	event_fn *fn;
	void *data;
	struct timer *next;
	bool armed;
};

void events_start(void);
/* In a new domain: no port is known any more. Timers stay, and time goes on from `before`. */
void events_resume(u64 before);

/* Calls of Xen's; a port or a negative error. */
int event_unbound(domid_t remote);
int event_unbound_of(domid_t dom, domid_t remote);
int event_interdomain(domid_t remote, port_t remote_port);
int event_virq(u32 virq);
int event_pirq(u32 pirq, bool shared_line);

/* Call `fn` for events of the port, from now on. */
void event_handle(port_t port, event_fn *fn, void *data);
void event_send(port_t port);
/* Close the port; its handler is not called any more. */
void event_close(port_t port);

/* Nanoseconds since Xen booted, or since a start that lies further back if the domain was saved. */
u64 now(void);
/* Seconds since 1970. */
u64 wall_clock(void);

void timer_set(struct timer *timer, u64 at);
void timer_stop(struct timer *timer);

/* Run handlers and timers that are due. If there were none, wait for one, at the longest until
 * `until`. */
void loop(u64 until);
/* Wait at least so long, serving events meanwhile. */
void sleep_until(u64 at);

#endif
