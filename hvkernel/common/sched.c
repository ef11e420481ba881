/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cap.h"
#include "cpus.h"
#include "guest.h"
#include "lib.h"
#include "sched.h"

#define SLICE       (10 * MS)
#define WAKE_BONUS  (2 * MS) /* what a sleeper may be ahead when it wakes */
#define GRANULARITY (MS / 2) /* an advantage below this preempts nobody */

static struct list queue = {&queue, &queue}; /* of runnable vcpus that do not run, by vruntime */
static s64 min_vruntime;

static void runstate_change(struct vcpu *v, int state, u64 when)
{
	struct runstate_info *r = &v->runstate;

	if (when > r->state_entry_time)
		r->time[r->state] += when - r->state_entry_time;
	r->state_entry_time = when;
	r->state = state;
}

static int runstate_of(const struct vcpu *v)
{
	if (v->running)
		return RUNSTATE_running;
	if (v->state & (VCPU_DOWN | VCPU_PAUSED))
		return RUNSTATE_offline;
	return v->state & VCPU_BLOCKED ? RUNSTATE_blocked : RUNSTATE_runnable;
}

ulong domain_cpus(const struct domain *d)
{
	ulong mask = 0;

	for (unsigned int i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i]->running)
			mask |= BIT(d->vcpu[i]->cpu);
	return mask;
}

u64 vcpu_runtime(struct vcpu *v)
{
	u64 time = v->runstate.time[RUNSTATE_running];

	if (v->running)
		time += now() - v->runstate.state_entry_time;
	return time;
}

u64 domain_runtime(const struct domain *d)
{
	u64 time = 0;

	for (unsigned int i = 0; i < d->max_vcpus; i++)
		time += vcpu_runtime(d->vcpu[i]);
	return time;
}

/* How many vcpus share the domain's weight now. */
static unsigned int active_vcpus(const struct domain *d)
{
	unsigned int active = 0;

	for (unsigned int i = 0; i < d->max_vcpus; i++)
		active += !d->vcpu[i]->state;
	return MAX(active, 1u);
}

void sched_charge(struct vcpu *v, u64 when)
{
	struct domain *d = v->domain;
	u64 used = when > v->slice_start ? when - v->slice_start : 0;

	v->slice_start = when;
	if (d->cap)
		v->cap_part -= (s64)used;
	used = MIN(used, SEC); /* more puts nobody further behind */
	v->vruntime += (s64)(used * DEFAULT_WEIGHT * active_vcpus(d) / d->weight);
}

static void enqueue(struct vcpu *v)
{
	struct list *at;

	list_each(at, &queue)
	{
		if (list_entry(at, struct vcpu, queue)->vruntime > v->vruntime)
			break;
	}
	list_insert(at, &v->queue);
}

/* A CPU that has been called already comes for one vcpu only, which may be another. */
static bool may_call(const struct cpu *cpu, const struct vcpu *v)
{
	return cpu->online && v->affinity & BIT(cpu->id) &&
	       !(cpu->softirqs & BIT(SOFTIRQ_SCHEDULE));
}

/* A CPU for v that idles, or else one whose vcpu is furthest ahead of it. */
static void find_cpu(struct vcpu *v, u64 when)
{
	struct cpu *worst = NULL;
	s64 ahead = GRANULARITY;

	if (cap_is_spent(v->domain))
		return;
	if (may_call(cpus[v->cpu], v) && !cpus[v->cpu]->vcpu->domain) {
		raise_softirq_on(v->cpu, SOFTIRQ_SCHEDULE);
		return;
	}
	for (unsigned int i = 0; i < cpu_count; i++) {
		struct cpu *cpu = cpus[i];

		if (!may_call(cpu, v))
			continue;
		if (!cpu->vcpu->domain) {
			raise_softirq_on(i, SOFTIRQ_SCHEDULE);
			return;
		}
		sched_charge(cpu->vcpu, when);
		if (cpu->vcpu->vruntime - v->vruntime > ahead) {
			ahead = cpu->vcpu->vruntime - v->vruntime;
			worst = cpu;
		}
	}
	if (worst)
		raise_softirq_on(worst->id, SOFTIRQ_SCHEDULE);
}

static void wake(struct vcpu *v, u64 when)
{
	v->vruntime = MAX(v->vruntime, min_vruntime - (s64)WAKE_BONUS);
	enqueue(v);
	find_cpu(v, when);
}

void sched_wake_again(struct vcpu *v, u64 when)
{
	list_remove(&v->queue);
	wake(v, when);
}

void vcpu_set_state(struct vcpu *v, u32 bit)
{
	u32 old = v->state;

	v->state |= bit;
	if (v->running) {
		if (!old)
			raise_softirq_on(v->cpu, SOFTIRQ_SCHEDULE);
		return;
	}
	if (!old)
		list_remove(&v->queue);
	if (runstate_of(v) != v->runstate.state)
		runstate_change(v, runstate_of(v), now());
}

void vcpu_clear_state(struct vcpu *v, u32 bit)
{
	u32 old = v->state;
	u64 when;

	v->state &= ~bit;
	if (!old || v->running)
		return; /* one that runs still will find out when it is to stop */
	when = now();
	if (runstate_of(v) != v->runstate.state)
		runstate_change(v, runstate_of(v), when);
	if (!v->state)
		wake(v, when);
}

void sched_set_affinity(struct vcpu *v, ulong mask)
{
	v->affinity = mask;
	if (v->running && !(mask & BIT(v->cpu)))
		raise_softirq_on(v->cpu, SOFTIRQ_SCHEDULE);
	else if (!v->running && !v->state)
		find_cpu(v, now());
}

void sched_vcpu_init(struct vcpu *v)
{
	list_init(&v->queue);
	v->affinity = ~0ul;
	v->vruntime = min_vruntime;
	v->runstate.state = runstate_of(v);
	v->runstate.state_entry_time = now();
}

void sched_vcpu_gone(struct vcpu *v)
{
	ASSERT(!v->running);
	list_remove(&v->queue);
}

void vcpu_wait_stopped(struct vcpu *v)
{
	while (v->running && v != current) {
		unlock(&hv_lock);
		tlb_serve();
		cpu_relax();
		lock(&hv_lock);
	}
}

static void slice_over(void *unused)
{
	(void)unused;
	raise_softirq(SOFTIRQ_SCHEDULE);
}

void sched_init_cpu(void)
{
	struct cpu *cpu = this_cpu();

	list_init(&cpu->timers);
	timer_init(&cpu->slice, slice_over, NULL);
	list_init(&cpu->idle.queue);
	cpu->idle.cpu = cpu->id;
	cpu->vcpu = &cpu->idle;
	cpu->idle.slice_start = now();
}

void sched_yield(void)
{
	current->yielded = true;
	raise_softirq(SOFTIRQ_SCHEDULE);
}

static struct vcpu *choose(struct cpu *cpu, const struct vcpu *except)
{
	ulong here = BIT(cpu->id);
	struct list *at;

	list_each(at, &queue)
	{
		struct vcpu *v = list_entry(at, struct vcpu, queue);

		if (v != except && v->affinity & here && !cap_is_spent(v->domain))
			return v;
	}
	return NULL;
}

static struct vcpu *next_for(struct cpu *cpu, struct vcpu *prev)
{
	struct vcpu *next = NULL;

	if (prev->yielded) {
		prev->yielded = false;
		next = choose(cpu, prev);
	}
	if (!next)
		next = choose(cpu, NULL);
	return next ? next : &cpu->idle;
}

void schedule(void)
{
	struct cpu *cpu = this_cpu();
	struct vcpu *prev = cpu->vcpu, *next;
	u64 when = now(), slice = SLICE;

	if (prev->domain) {
		sched_charge(prev, when);
		if (prev->domain->cap)
			cap_give_back(prev, when);
		prev->running = false;
		if (!prev->state) {
			enqueue(prev);
			if (!(prev->affinity & BIT(cpu->id)))
				find_cpu(prev, when);
		}
	} else {
		cpu->idle_time += when - prev->slice_start;
	}
	cpu->softirqs &= ~BIT(SOFTIRQ_SCHEDULE);
	next = next_for(cpu, prev);
	if (next->domain) {
		list_remove(&next->queue);
		if (next->vruntime > min_vruntime)
			min_vruntime = MIN(next->vruntime, min_vruntime + (s64)SEC);
		if (next->domain->cap)
			slice = cap_take(next, SLICE);
		next->running = true;
		timer_set(&cpu->slice, when + slice);
	} else {
		timer_stop(&cpu->slice);
	}
	next->slice_start = when;
	if (next == prev)
		return;
	if (prev->domain)
		runstate_change(prev, runstate_of(prev), when);
	if (next->domain) {
		next->cpu = cpu->id;
		runstate_change(next, RUNSTATE_running, when);
	}
	cpu->vcpu = next;
	arch_switch(prev, next);
}

/* In v's address space, before it runs on. */
void runstate_report(struct vcpu *v)
{
	struct runstate_info info = v->runstate;
	ulong at = v->runstate_guest;

	if (!at)
		return;
	if (v->domain->vm_assist & BIT(VMASST_runstate_update_flag)) {
		info.state_entry_time |= RUNSTATE_UPDATE;
		copy_to_guest(at, &info, sizeof(info));
		info.state_entry_time &= ~RUNSTATE_UPDATE;
	}
	copy_to_guest(at, &info, sizeof(info));
}
