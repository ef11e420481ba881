/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest that answers: events by events, pings by pings, and yields by yields. */
#include "base.h"
#include "bench.h"
#include "event.h"
#include "grant.h"
#include "hypercall.h"
#include "memory.h"
#include "netif.h"
#include "xs.h"

#include <stdio.h>

static struct meeting *meeting;
static port_t port;

static void answer(void *data)
{
	(void)data;
	if (!meeting->spin) {
		event_send(port);
		return;
	}
	while (meeting->spin) {
		meeting->yields++;
		hypercall(HC_SCHED_OP, SCHED_YIELD, 0, 0, 0);
	}
}

/* Where the bench looks for what it needs. */
static void tell(domid_t bench, const char *name, unsigned long value)
{
	char path[24], owner[8], reader[8];
	unsigned long self = 0;

	xs_read_number(XS_NO_TX, "domid", &self);
	snprintf(path, sizeof(path), "data/%s", name);
	snprintf(owner, sizeof(owner), "n%lu", self);
	snprintf(reader, sizeof(reader), "r%u", bench);
	if (xs_printf(XS_NO_TX, path, "%lu", value) < 0 ||
	    xs_permit(XS_NO_TX, path, owner, reader) < 0)
		panic("xenstore does not take what the bench has to know");
}

void partner(domid_t bench)
{
	static struct ip ip;
	int made = event_unbound(bench);

	meeting = pages_alloc(1);
	if (made < 0 || !meeting)
		panic("no event channel, or no page");
	port = (port_t)made;
	event_handle(port, answer, NULL);
	network_start(&ip);
	tell(bench, "page", grant_give(bench, meeting, false));
	tell(bench, "port", port);
	for (;;)
		loop(UINT64_MAX);
}
