/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What common code knows of a CPU; the arch's own part follows it (asm/cpu.h). */
#ifndef HV_CPUS_H
#define HV_CPUS_H

#include "asm/cpu.h"
#include "domain.h"
#include "list.h"

struct cpu {
	unsigned int id;
	bool online;
	struct vcpu *vcpu; /* that runs here */
	struct vcpu idle;
	u32 softirqs;
	struct list timers;
	struct timer slice;
	u32 tlb_flushed; /* the TLB clock at its last flush */
	u32 tlb_wanted;  /* others wait for one */
	bool tlb_lazy;   /* it idles without translations of guests: others need not wait for it */
	u64 idle_time;
	struct arch_cpu arch;
};

extern struct cpu *cpus[MAX_CPUS];
extern unsigned int cpu_count;
extern ulong online_cpus;

#define current (this_cpu()->vcpu) /* this_cpu() is the arch's, asm/cpu.h */

/* By the arch: */
void cpu_kick(unsigned int id); /* makes it look at its softirqs and flushes */
/* Saves prev, loads next and goes on with it (a guest or the idle loop) on an empty stack. */
_Noreturn void arch_switch(struct vcpu *prev, struct vcpu *next);
_Noreturn void resume_current(void);
bool arch_irq_pending(void);
void cpu_relax(void);
/* Sleeps, with interrupts off before and after, until the CPU is kicked or its timer fires; both
 * only note it. Devices wait. */
void cpu_doze(void);

#endif
