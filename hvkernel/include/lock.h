/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One lock guards the hypervisor. Every entry from a guest takes it, every way back releases it;
 * the time under it is short because long calls are continued (hypercall.h). Interrupts are off
 * while it is held, so who waits for it serves TLB flushes meanwhile (tlb.h).
 */
#ifndef HV_LOCK_H
#define HV_LOCK_H

#include "types.h"

struct ticket_lock {
	u16 next, serving;
};

extern struct ticket_lock hv_lock;

void lock(struct ticket_lock *l);
void unlock(struct ticket_lock *l);

#endif
