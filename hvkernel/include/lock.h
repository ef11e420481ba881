/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One lock guards the hypervisor. Every entry from a guest takes it, every way back releases it;
 * the time under it is short because long calls are continued (hypercall.h). Interrupts are off
 * while it is held, so who waits for it serves TLB flushes meanwhile (tlb.h).
 *
 * Whoever runs takes it first: a queue would have to wait for CPUs that an outer hypervisor, or an
 * emulator, does not let run just now. A waiter sleeps soon, so as not to take time from the
 * holder there, and is woken by an unlock; who has waited for long gets the lock handed over.
 */
#ifndef HV_LOCK_H
#define HV_LOCK_H

#include "types.h"

struct lock {
	u32 taken;
	u32 sleepers; /* bit n: CPU n sleeps until it is woken */
	u32 heir;     /* 1 + the CPU that is to have it next, 0: nobody */
	u32 given;    /* the same, once it may take it; the lock stays taken meanwhile */
};

extern struct lock hv_lock;

void lock(struct lock *l);
void unlock(struct lock *l);

#endif
