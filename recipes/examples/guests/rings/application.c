/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "application.h"

#include "hypercall.h"
#include "memory.h"
#include "pagetable.h"

extern char user_start[], user_end[], application_entry[], application_stack[], kernel_stack[];

__attribute__((noreturn)) void application_enter(void); /* enter.S */

void application_start(void)
{
	map_for_user(user_start, (unsigned long)(user_end - user_start) >> PAGE_SHIFT, true);
	hypercall(HC_STACK_SWITCH, KERNEL_DS, (unsigned long)kernel_stack, 0, 0);
	application_enter();
}
