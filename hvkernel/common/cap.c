/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cap.h"
#include "cpus.h"
#include "lib.h"
#include "sched.h"

#define PERIOD (30 * MS)
#define SAVED  4 /* periods, of which a domain may save up what others kept it from */

static struct timer cap_timer;
static u64 cap_begin; /* of the period */

/* What a domain may use of so much time. */
static s64 cap_of(const struct domain *d, u64 time)
{
	return (s64)(time * d->cap / 100);
}

/* Those that waited are woken if they may run now. */
static void cap_set(struct domain *d, u32 cap, s64 left, u64 when)
{
	bool waited = cap_is_spent(d);

	d->cap = cap;
	d->cap_left = left;
	for (unsigned int i = 0; waited && !cap_is_spent(d) && i < d->max_vcpus; i++) {
		struct vcpu *v = d->vcpu[i];

		if (!v->running && !v->state)
			sched_wake_again(v, when);
	}
}

void cap_give_back(struct vcpu *v, u64 when)
{
	s64 rest = v->cap_part;

	v->cap_part = 0;
	cap_set(v->domain, v->domain->cap, v->domain->cap_left + rest, when);
}

/* All that wait get equal parts. */
u64 cap_take(struct vcpu *v, u64 most)
{
	struct domain *d = v->domain;
	unsigned int waiting = 1;
	s64 part;

	for (unsigned int i = 0; i < d->max_vcpus; i++)
		waiting += !d->vcpu[i]->state && !d->vcpu[i]->running && d->vcpu[i] != v;
	part = MIN(MAX(d->cap_left / waiting, CAP_LEAST), (s64)most);
	d->cap_left -= part;
	v->cap_part += part;
	return (u64)part;
}

/* Does one of its vcpus wait for a CPU? */
static bool is_kept_waiting(const struct domain *d)
{
	for (unsigned int i = 0; i < d->max_vcpus; i++)
		if (!d->vcpu[i]->state && !d->vcpu[i]->running)
			return true;
	return false;
}

/* A period is as long as it was: timers are late. What others kept a domain from using in one it
 * may use in the next ones; what it did not want is lost. */
static void cap_period(void *unused)
{
	u64 when = now(), passed = when - cap_begin;
	bool any = false;

	(void)unused;
	cap_begin = when;
	for (unsigned int i = 0; i < MAX_DOMAINS; i++) {
		struct domain *d = domains[i];
		s64 most;

		if (!d || !d->cap)
			continue;
		any = true;
		most = cap_of(d, (is_kept_waiting(d) ? SAVED : 1) * PERIOD);
		cap_set(d, d->cap, MIN(d->cap_left + cap_of(d, passed), most), when);
	}
	if (any)
		timer_set(&cap_timer, when + PERIOD);
}

/* Begins with what is left of this period, whatever the old cap has left or owes; those that run
 * take their parts of it at once. */
void cap_change(struct domain *d, u32 cap)
{
	u64 when = now(), passed;

	if (cap == d->cap)
		return;
	if (!cap_timer.action)
		timer_init(&cap_timer, cap_period, NULL);
	if (!cap_timer.set) {
		cap_begin = when;
		timer_set(&cap_timer, when + PERIOD);
	}
	passed = MIN(when - cap_begin, PERIOD);
	for (unsigned int i = 0; i < d->max_vcpus; i++) {
		struct vcpu *v = d->vcpu[i];

		if (!v->running)
			continue;
		sched_charge(v, when);
		raise_softirq_on(v->cpu, SOFTIRQ_SCHEDULE);
	}
	for (unsigned int i = 0; i < d->max_vcpus; i++)
		d->vcpu[i]->cap_part = 0;
	cap_set(d, cap, (s64)((PERIOD - passed) * cap / 100), when);
}
