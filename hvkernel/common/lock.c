/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpus.h"
#include "lib.h"
#include "lock.h"
#include "tlb.h"

#define LONGEST_DELAY 1024      /* turns of an empty loop between two looks */
#define SPIN          8192u     /* turns before it sleeps: some 10 us */
#define PATIENCE      (20 * MS) /* before it becomes the heir */

struct lock hv_lock;

static bool try(struct lock *l, u32 me)
{
	u32 none = 0;

	if (__atomic_load_n(&l->given, __ATOMIC_ACQUIRE) == me) {
		__atomic_store_n(&l->given, 0, __ATOMIC_RELAXED);
		return true;
	}
	return !__atomic_load_n(&l->taken, __ATOMIC_RELAXED) &&
	       __atomic_compare_exchange_n(&l->taken, &none, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

/* No PAUSE here: emulators and hypervisors leave the guest for it, which is what a waiter must not
 * do often. */
static void delay(u32 turns)
{
	while (turns--)
		__asm__ volatile("");
}

/* The bit is set before the last look, and unlock() looks at the bits after it has freed the lock:
 * one of them sees the other. */
static void sleep(struct lock *l, u32 me)
{
	u32 bit = 1u << (me - 1);

	__atomic_fetch_or(&l->sleepers, bit, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&l->taken, __ATOMIC_SEQ_CST) &&
	    __atomic_load_n(&l->given, __ATOMIC_SEQ_CST) != me)
		cpu_doze();
	__atomic_fetch_and(&l->sleepers, ~bit, __ATOMIC_SEQ_CST);
}

/* Kept apart, so that who finds the lock free saves no registers for this. */
__attribute__((noinline)) static void wait(struct lock *l, u32 me)
{
	u64 begin = now();
	u32 spent = 0, turns = 1;

	while (!try(l, me)) {
		u32 none = 0;

		tlb_serve();
		if (spent < SPIN) {
			delay(turns);
			spent += turns;
			turns = MIN(2 * turns, (u32)LONGEST_DELAY);
			continue;
		}
		if (now() - begin > PATIENCE)
			__atomic_compare_exchange_n(&l->heir, &none, me, false, __ATOMIC_SEQ_CST,
						    __ATOMIC_RELAXED);
		sleep(l, me);
	}
	if (__atomic_load_n(&l->heir, __ATOMIC_RELAXED) == me)
		__atomic_store_n(&l->heir, 0, __ATOMIC_RELAXED);
}

void lock(struct lock *l)
{
	u32 me = this_cpu()->id + 1;

	if (!try(l, me))
		wait(l, me);
	if (this_cpu()->tlb_lazy)
		tlb_wake();
}

/* Wake a CPU; its bit goes, so that the next unlock wakes another one. */
static void wake(struct lock *l, u32 id)
{
	u32 bit = 1u << id;

	if (__atomic_fetch_and(&l->sleepers, ~bit, __ATOMIC_SEQ_CST) & bit)
		cpu_kick(id);
}

void unlock(struct lock *l)
{
	u32 heir = __atomic_load_n(&l->heir, __ATOMIC_RELAXED), sleepers;

	if (heir && heir != this_cpu()->id + 1) {
		__atomic_store_n(&l->given, heir, __ATOMIC_SEQ_CST);
		wake(l, heir - 1);
		return;
	}
	__atomic_exchange_n(&l->taken, 0, __ATOMIC_SEQ_CST);
	sleepers = __atomic_load_n(&l->sleepers, __ATOMIC_RELAXED);
	if (sleepers)
		wake(l, (u32)__builtin_ctz(sleepers));
}
