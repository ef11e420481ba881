/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HV_TIMER_H
#define HV_TIMER_H

#include "list.h"
#include "types.h"

#define MS    1000000ull
#define SEC   1000000000ull
#define NEVER (~0ull)

struct timer {
	struct list node; /* by deadline, in the list of its CPU */
	u64 deadline;     /* ns since boot */
	unsigned int cpu;
	bool set;
	void (*action)(void *);
	void *data;
};

void timer_init(struct timer *t, void (*action)(void *), void *data);
/* (Re)starts it on this CPU. */
void timer_set(struct timer *t, u64 deadline);
void timer_stop(struct timer *t);
/* Runs what is due on this CPU and sets the hardware for the next. */
void timers_run(void);

/* By the arch: */
u64 now(void);                /* ns since boot */
u64 wall_clock_at_boot(void); /* seconds since 1970 */
u32 cpu_khz(void);
void clock_arm(u64 deadline); /* interrupt this CPU then; NEVER: not at all */

#endif
