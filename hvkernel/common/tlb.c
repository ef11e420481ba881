/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpus.h"
#include "tlb.h"

u32 tlb_clock = 1;

/* After half a turn of the clock the order of its times would be lost: everyone flushes long
 * before. */
#define CLOCK_EPOCH 0x3fffffffu

void tlb_flush_since(u32 stamp)
{
	ulong mask = 0;

	for (unsigned int i = 0; i < cpu_count; i++)
		if (cpus[i]->online && (s32)(cpus[i]->tlb_flushed - stamp) <= 0)
			mask |= BIT(i);
	if (mask)
		tlb_flush_cpus(mask);
}

void tlb_serve(void)
{
	struct cpu *cpu = this_cpu();

	/* Who does not wait may ask again before the answer is given: the sleeper answers under the
	 * lock. */
	if (cpu->tlb_lazy || !__atomic_load_n(&cpu->tlb_wanted, __ATOMIC_ACQUIRE))
		return;
	tlb_flush_local();
	__atomic_store_n(&cpu->tlb_wanted, 0, __ATOMIC_RELEASE);
}

void tlb_sleep(void)
{
	this_cpu()->tlb_lazy = true;
}

void tlb_wake(void)
{
	struct cpu *cpu = this_cpu();

	if (!cpu->tlb_lazy)
		return;
	cpu->tlb_lazy = false;
	tlb_serve();
}

/* Only the holder of hv_lock asks, so nobody asks twice at a time. */
void tlb_flush_cpus(ulong mask)
{
	unsigned int self = this_cpu()->id;

	mask &= online_cpus;
	tlb_clock++;
	if (!(tlb_clock & CLOCK_EPOCH))
		mask = online_cpus;
	for (unsigned int i = 0; i < cpu_count; i++)
		if (i != self && mask & BIT(i)) {
			__atomic_store_n(&cpus[i]->tlb_wanted, 1, __ATOMIC_SEQ_CST);
			if (cpus[i]->tlb_lazy)
				mask &= ~BIT(i);
			else
				cpu_kick(i);
		}
	if (mask & BIT(self))
		tlb_flush_local();
	for (unsigned int i = 0; i < cpu_count; i++)
		if (i != self && mask & BIT(i))
			while (__atomic_load_n(&cpus[i]->tlb_wanted, __ATOMIC_ACQUIRE))
				cpu_relax();
}
