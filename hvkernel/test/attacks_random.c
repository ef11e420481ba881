/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks: hypercalls by chance, of words that mean something. Whatever comes of it is the author's
 * own misfortune. */
#include "suite.h"
#include "lib.h"

#define CALLS 4000

static u64 state;

static u32 chance(u32 below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (u32)(state >> 32) % below;
}

#define WORDS 32

static u64 *words; /* structures to point to */

static u64 word(void)
{
	const u64 known[] = {
	    0,
	    1,
	    2,
	    3,
	    8,
	    512,
	    ~0ull,
	    DOMID_SELF,
	    DOMID_IO,
	    bench.neighbour,
	    HV_INSIDE,
	    HV_BEGIN,
	    MACHPHYS,
	    (ulong)words,
	    (ulong)words + chance(WORDS * sizeof(*words)),
	    (ulong)page_next(),
	    frame_of(page_next()),
	    frame_of(l1_of(page_next())),
	    frame_of((void *)start->pt_base),
	    bench.neighbour_frame,
	    bench.neighbour_root,
	    HV_FRAME,
	    machine(l1_of(page_next())) + chance(512) * 8ull,
	    machine((void *)start->pt_base) + chance(512) * 8ull,
	    ((u64)bench.neighbour_frame << PAGE_SHIFT) | chance(8),
	    ((u64)HV_FRAME << PAGE_SHIFT) | chance(4096),
	    ((u64)frame_of(page_next()) << PAGE_SHIFT) | chance(4096),
	};

	if (!chance(8))
		return 1ull << chance(64);
	return known[chance(ARRAY_SIZE(known))];
}

/* What would end it, make it wait for ever, or fill the console. */
static bool is_dull(ulong nr, ulong command)
{
	return nr == HC_set_trap_table || nr == HC_multicall || nr == HC_iret ||
	       nr == HC_console_io || nr == HC_sched_op || nr == HC_sched_op_compat ||
	       (nr == HC_vcpu_op && (u32)command == VCPUOP_down);
}

static long call_by_chance(u64 seed)
{
	state = seed * 0x9e3779b97f4a7c15ull | 1;
	words = page_alloc();
	map((ulong)page_alloc(), 0); /* an array that is too long for its page ends there */
	for (unsigned int i = 0; i < CALLS; i++) {
		ulong nr = chance(HC_domctl + 1), args[5];

		for (unsigned int n = 0; n < WORDS; n++)
			words[n] = word() << (chance(4) ? 0 : 32) | (chance(4) ? 0 : word());
		for (unsigned int n = 0; n < ARRAY_SIZE(args); n++)
			args[n] = (ulong)word();
		if (chance(2)) /* a command, and where its structure lies */
			args[0] = chance(32);
		if (chance(2))
			args[chance(3)] = (ulong)words;
		if (!is_dull(nr, args[0]))
			hypercall5(nr, args[0], args[1], args[2], args[3], args[4]);
	}
	return 0;
}

ATTACK(random_calls_1, ENDS, BY_DOMU | FRESH, 0)
{
	return call_by_chance(1);
}

ATTACK(random_calls_2, ENDS, BY_DOMU | FRESH, 0)
{
	return call_by_chance(2);
}

ATTACK(random_calls_3, ENDS, BY_DOMU | FRESH, 0)
{
	return call_by_chance(3);
}

ATTACK(random_calls_4, ENDS, BY_DOMU | FRESH, 0)
{
	return call_by_chance(4);
}
