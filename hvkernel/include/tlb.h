/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Old translations. A frame that gets a new use (another owner, another type) may still be known to
 * some CPU's TLB under its old one. A clock ticks at every full flush; a frame remembers the time
 * when its last use ended, a CPU the time of its last flush: only CPUs that have not flushed since
 * have to.
 */
#ifndef HV_TLB_H
#define HV_TLB_H

#include "types.h"

extern u32 tlb_clock;

/* Flushes every CPU that may know translations from before `stamp`. */
void tlb_flush_since(u32 stamp);
/* Flushes the CPUs of the mask (bit n: CPU n); returns when all have done so. */
void tlb_flush_cpus(ulong cpus);
void tlb_flush_local(void);
void tlb_invlpg_local(ulong va);
void cache_flush(void);
/* Called in loops that wait: does what other CPUs ask for. */
void tlb_serve(void);
/*
 * Around a CPU's sleep, under hv_lock: with the hypervisor's own root loaded it knows nothing of
 * guests and touches no window, so a flush that others ask for can wait until it works again.
 * Else every flush would wake all that sleep.
 */
void tlb_sleep(void);
void tlb_wake(void);

#endif
