/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpus.h"
#include "lock.h"
#include "tlb.h"

struct ticket_lock hv_lock;

void lock(struct ticket_lock *l)
{
	u16 mine = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != mine) {
		tlb_serve();
		cpu_relax();
	}
}

void unlock(struct ticket_lock *l)
{
	__atomic_store_n(&l->serving, (u16)(l->serving + 1), __ATOMIC_RELEASE);
}
