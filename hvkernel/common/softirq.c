/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpus.h"
#include "sched.h"

void raise_softirq_on(unsigned int id, unsigned int which)
{
	__atomic_fetch_or(&cpus[id]->softirqs, (u32)BIT(which), __ATOMIC_SEQ_CST);
	if (id != this_cpu()->id)
		cpu_kick(id);
}

void raise_softirq(unsigned int which)
{
	__atomic_fetch_or(&this_cpu()->softirqs, (u32)BIT(which), __ATOMIC_SEQ_CST);
}

static bool take_softirq(struct cpu *cpu, unsigned int which)
{
	u32 mask = (u32)BIT(which);

	return __atomic_fetch_and(&cpu->softirqs, ~mask, __ATOMIC_SEQ_CST) & mask;
}

void do_softirqs(void)
{
	struct cpu *cpu = this_cpu();

	while (__atomic_load_n(&cpu->softirqs, __ATOMIC_ACQUIRE)) {
		if (take_softirq(cpu, SOFTIRQ_TIMER))
			timers_run();
		if (take_softirq(cpu, SOFTIRQ_REAP))
			domains_reap();
		if (take_softirq(cpu, SOFTIRQ_SCHEDULE))
			schedule();
	}
}

bool preempt_wanted(void)
{
	return this_cpu()->softirqs || arch_irq_pending();
}
