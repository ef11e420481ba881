/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "top.h"

#include "control.h"
#include "event.h"
#include "guest.h"
#include "shell.h"

#include <stdio.h>

/* What was seen of a domain at the begin. */
struct sample {
	domid_t dom;
	u64 time;
};

static struct timer timer;
static struct sample samples[32]; /* of guests; those behind are not shown */
static u64 begin, dom0_time;

static u64 cpu_time(domid_t dom)
{
	struct domain_info info;

	return domain_info(dom, &info) || info.domain != dom ? 0 : info.cpu_time;
}

/* A line: percent of one CPU's time, and of the time that all guests had. */
static void line(const char *name, u64 used, u64 passed, u64 all)
{
	u64 cpu = used * 1000 / passed, part = all ? used * 1000 / all : 0;

	notice("%-16s %5llu.%llu %6llu.%llu\n", name, (unsigned long long)cpu / 10,
	       (unsigned long long)cpu % 10, (unsigned long long)part / 10,
	       (unsigned long long)part % 10);
}

static void end(void *data)
{
	u64 passed = now() - begin, all = 0, used[LENGTH(samples)];
	u32 i = 0;

	(void)data;
	for (struct guest *g = guests_first(); g && i < LENGTH(used); g = g->next, i++) {
		bool same = g->running && g->dom == samples[i].dom;

		used[i] = same ? cpu_time(g->dom) - samples[i].time : 0;
		all += used[i];
	}
	notice("%-16s %7s %8s\n", "name", "cpu(%)", "share(%)");
	line("dom0", cpu_time(0) - dom0_time, passed, 0);
	i = 0;
	for (struct guest *g = guests_first(); g && i < LENGTH(used); g = g->next, i++)
		if (g->running)
			line(g->config.name, used[i], passed, all);
}

void top_begin(u64 seconds)
{
	u32 i = 0;

	for (struct guest *g = guests_first(); g && i < LENGTH(samples); g = g->next, i++)
		samples[i] = (struct sample){g->dom, g->running ? cpu_time(g->dom) : 0};
	dom0_time = cpu_time(0);
	begin = now();
	timer.fn = end;
	timer_set(&timer, begin + seconds * SECOND);
}
