/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An application: down to ring 3 and back by a system call. */
#include "guest.h"
#include "asm/pte.h"
#include "lib.h"

extern char user_code[];

#ifndef __i386__
/* Applications have a root of their own; ours shares everything below it. */
static bool set_user_root(void)
{
	u64 *root = page_alloc();
	struct mmuext_op op = {MMUEXT_NEW_USER_BASEPTR, frame_of(root), 0};

	root[511] = ((u64 *)start->pt_base)[511];
	root[300] = pte_of(frame_of(root), PTE_P | PTE_US);
	if (map((ulong)root, pte_of(frame_of(root), PTE_P | PTE_US)))
		return false;
	check(CALL4(mmuext_op, &op, 1, 0, DOMID_SELF) < 0, "attack: a root that leads to itself");
	root = page_alloc();
	root[511] = ((u64 *)start->pt_base)[511];
	op.arg1 = frame_of(root);
	return !map((ulong)root, pte_of(frame_of(root), PTE_P | PTE_US)) &&
	       !CALL4(mmuext_op, &op, 1, 0, DOMID_SELF);
}
#else
static bool set_user_root(void)
{
	return true;
}
#endif

void test_user(void)
{
	u8 *stack = page_alloc();
	ulong sp = (ulong)stack + PAGE_SIZE - 64;

	check(set_user_root(), "an application's page tables");
	CALL2(stack_switch, KERNEL_SS, (ulong)page_alloc() + PAGE_SIZE);
	enter_user((ulong)user_code, sp);
	check(traps_seen[0x80] == 1 && last_error == 0x1234, "ring 3 calls its kernel");
	enter_user(HV_INSIDE, sp);
	check(traps_seen[0x80] == 1, "attack: ring 3 jumps into the hypervisor");
}
