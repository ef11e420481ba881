/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An application: down to ring 3 and back by a system call. */
#include "guest.h"
#include "asm/pte.h"
#include "lib.h"

#ifndef __i386__
/* Applications have a root of their own; ours shares everything below it. */
bool set_user_root(void)
{
	u64 *root = page_alloc();
	struct mmuext_op op = {MMUEXT_NEW_USER_BASEPTR, frame_of(root), 0};

	root[511] = ((u64 *)start->pt_base)[511];
	return !map((ulong)root, pte_of(frame_of(root), PTE_P | PTE_US)) &&
	       !CALL4(mmuext_op, &op, 1, 0, DOMID_SELF);
}
#else
bool set_user_root(void)
{
	return true;
}
#endif

void test_user(void)
{
	u8 *stack = page_alloc();
	ulong sp = (ulong)stack + PAGE_SIZE - 64, good;
	unsigned int seen;

	check(set_user_root(), "an application's page tables");
	CALL2(stack_switch, KERNEL_SS, (ulong)page_alloc() + PAGE_SIZE);
	enter_user((ulong)user_code, sp);
	check(traps_seen[0x80] == 1 && last_error == 0x1234, "ring 3 calls its kernel");
	failsafe_wanted = true;
	enter_user(HV_INSIDE, sp);
	check(traps_seen[0x80] == 1, "attack: ring 3 jumps into the hypervisor");
	seen = traps_seen[257];
	good = user_cs;
	user_cs = 0xe00b; /* the hypervisor's code */
	enter_user((ulong)user_code, sp);
	check(traps_seen[257] == seen + 1,
	      "what cannot be returned to goes to the failsafe callback");
	check(traps_seen[0x80] == 1, "and not to ring 3");
	user_cs = good;
	failsafe_wanted = false;
}
