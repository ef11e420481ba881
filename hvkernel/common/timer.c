/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpus.h"
#include "lib.h"
#include "timer.h"

void timer_init(struct timer *t, void (*action)(void *), void *data)
{
	memset(t, 0, sizeof(*t));
	list_init(&t->node);
	t->action = action;
	t->data = data;
}

static u64 first_deadline(const struct cpu *cpu)
{
	if (list_empty(&cpu->timers))
		return NEVER;
	return list_entry(cpu->timers.next, struct timer, node)->deadline;
}

void timer_set(struct timer *t, u64 deadline)
{
	struct cpu *cpu = this_cpu();
	struct list *at;

	timer_stop(t);
	t->deadline = deadline;
	t->cpu = cpu->id;
	t->set = true;
	list_each(at, &cpu->timers)
	{
		if (list_entry(at, struct timer, node)->deadline > deadline)
			break;
	}
	list_insert(at, &t->node);
	if (cpu->timers.next == &t->node)
		clock_arm(deadline);
}

/* One that ran on another CPU leaves that CPU's clock armed: an early interrupt does no harm. */
void timer_stop(struct timer *t)
{
	if (!t->set)
		return;
	t->set = false;
	list_remove(&t->node);
}

void timers_run(void)
{
	struct cpu *cpu = this_cpu();

	while (first_deadline(cpu) <= now()) {
		struct timer *t = list_entry(cpu->timers.next, struct timer, node);

		timer_stop(t);
		t->action(t->data);
	}
	clock_arm(first_deadline(cpu));
}
