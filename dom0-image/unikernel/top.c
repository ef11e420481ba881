/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "top.h"

#include "control.h"
#include "event.h"
#include "guest.h"
#include "shell.h"

#include <stdio.h>

/* What was seen of a domain, and when: much may happen between one and the next. */
struct sample {
	domid_t dom;
	u64 time, at;
};

static struct timer timer;
static struct sample begins[32]; /* of guests; those behind are not shown */
static struct sample dom0_begin;

static struct sample look(domid_t dom)
{
	struct domain_info info;
	struct sample s = {dom, 0, now()};

	if (!domain_info(dom, &info) && info.domain == dom)
		s.time = info.cpu_time;
	return s;
}

/* What it had since then, and in which time. */
static struct sample since(struct sample begin)
{
	struct sample s = look(begin.dom);

	s.time -= begin.time;
	s.at -= begin.at;
	return s;
}

/* A line: percent of one CPU's time, and of the time that all guests had. */
static void line(const char *name, struct sample s, u64 all)
{
	u64 cpu = s.at ? s.time * 1000 / s.at : 0, part = all ? s.time * 1000 / all : 0;

	notice("%-16s %5llu.%llu %6llu.%llu\n", name, (unsigned long long)cpu / 10,
	       (unsigned long long)cpu % 10, (unsigned long long)part / 10,
	       (unsigned long long)part % 10);
}

static void end(void *data)
{
	struct sample dom0 = since(dom0_begin), used[LENGTH(begins)];
	u64 all = 0;
	u32 i = 0;

	(void)data;
	for (struct guest *g = guests_first(); g && i < LENGTH(used); g = g->next, i++) {
		bool same = g->running && g->dom == begins[i].dom;

		used[i] = same ? since(begins[i]) : (struct sample){0};
		all += used[i].time;
	}
	notice("%-16s %7s %8s\n", "name", "cpu(%)", "share(%)");
	line("dom0", dom0, 0);
	i = 0;
	for (struct guest *g = guests_first(); g && i < LENGTH(used); g = g->next, i++)
		if (g->running)
			line(g->config.name, used[i], all);
}

void top_begin(u64 seconds)
{
	u32 i = 0;

	for (struct guest *g = guests_first(); g && i < LENGTH(begins); g = g->next, i++)
		begins[i] = look(g->running ? g->dom : 0);
	dom0_begin = look(0);
	timer.fn = end;
	timer_set(&timer, now() + seconds * SECOND);
}
