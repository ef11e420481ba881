/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Caps, counted in CPU time: each period gives a domain some, and its cap_left is what no vcpu was
 * given of it. A vcpu takes its part when it starts to run and gives back the rest when it stops,
 * so that no two of them use the same time. The rest is below 0 if it was stopped too late: nobody
 * runs until the next periods have paid for that.
 */
#ifndef HV_CAP_H
#define HV_CAP_H

#include "domain.h"
#include "lib.h"

#define CAP_LEAST ((s64)(MS / 10)) /* a rest below this is kept for the next period */

/* Its vcpus wait in the queue, where they are passed over. */
static inline bool cap_is_spent(const struct domain *d)
{
	return d->cap && d->cap_left < CAP_LEAST;
}

/* How long v, which is not in the queue any more, may run. */
u64 cap_take(struct vcpu *v, u64 most);
void cap_give_back(struct vcpu *v, u64 when);
void cap_change(struct domain *d, u32 cap); /* percent of one CPU; 0: none */

/* By sched.c: */
void sched_charge(struct vcpu *v, u64 when);     /* what it has run up to now */
void sched_wake_again(struct vcpu *v, u64 when); /* one in the queue that was passed over */

#endif
