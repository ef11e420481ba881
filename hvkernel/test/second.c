/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second vcpu of an attacker. */
#include "suite.h"
#include "lib.h"

extern char second_again[], trap_pf[];

static struct vcpu_guest_context context;
u8 second_stack[8192] __attribute__((aligned(16)));
static void (*volatile work)(void);
static volatile u32 generation, idle_generation; /* of orders to stop; seen and obeyed */

/* Also where it goes on after a fault, on an empty stack (second_again in start.S). */
_Noreturn void second_main(void);

_Noreturn void second_main(void)
{
	for (;;) {
		u32 seen = generation;
		void (*f)(void) = work;

		if (f) {
			f();
		} else {
			idle_generation = seen;
			CALL2(sched_op, SCHEDOP_yield, 0);
		}
	}
}

bool second_start(void (*function)(void))
{
	work = function;
	if (context.regs.ip)
		return true;
	kernel_context(&context, frame_of((void *)start->pt_base));
	context.regs.ip = (ulong)second_again;
	context.traps[0] = (struct trap_info){14, 0, KERNEL_CS, (ulong)trap_pf};
	context.traps[14] = context.traps[0];
	return !CALL3(vcpu_op, VCPUOP_initialise, 1, &context) && !CALL3(vcpu_op, VCPUOP_up, 1, 0);
}

void second_stop(void)
{
	u32 wanted = generation + 1;

	work = NULL;
	generation = wanted;
	while (idle_generation != wanted)
		nap(200000);
}
