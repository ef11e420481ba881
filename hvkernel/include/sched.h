/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A credit scheduler with one queue for all CPUs: every vcpu has a virtual run time that grows with
 * real time divided by its share of the domain's weight; whoever has the least goes next on the
 * first CPU that it may use. So CPUs never idle while work waits, and shares follow the weights
 * across CPUs. Caps: cap.h.
 */
#ifndef HV_SCHED_H
#define HV_SCHED_H

#include "domain.h"
#include "lock.h"
#include "tlb.h"

#define DEFAULT_WEIGHT 256

void sched_init_cpu(void);
void sched_vcpu_init(struct vcpu *v);
void sched_vcpu_gone(struct vcpu *v);
/* Changes v->state; wakes or stops it as needed. */
void vcpu_set_state(struct vcpu *v, u32 bit);
void vcpu_clear_state(struct vcpu *v, u32 bit);
void sched_set_affinity(struct vcpu *v, ulong cpus);
void sched_yield(void);
/* Returns when v runs nowhere and its registers are in its struct. */
void vcpu_wait_stopped(struct vcpu *v);
/* The CPUs that run one of its vcpus: only they can know its translations. */
ulong domain_cpus(const struct domain *d);
u64 vcpu_runtime(struct vcpu *v);
u64 domain_runtime(const struct domain *d);
/* May not return: goes to another guest, or to the idle loop. */
void schedule(void);
void runstate_report(struct vcpu *v);

/* What is to be done before this CPU goes back to a guest. */
#define SOFTIRQ_SCHEDULE 0
#define SOFTIRQ_TIMER    1
#define SOFTIRQ_REAP     2 /* a dead domain has lost its last page */
void raise_softirq(unsigned int which);
void raise_softirq_on(unsigned int cpu, unsigned int which);
/* Does it all; may not return. */
void do_softirqs(void);
/* Is there a reason to interrupt a long call? */
bool preempt_wanted(void);

#endif
