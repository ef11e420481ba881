/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The three rings of IA-32: hypervisor in 0, this kernel in 1, an application in 3. The application
 * calls the kernel by int 0x80, then reaches for what is not its own and is stopped.
 */
#include "application.h"
#include "base.h"
#include "hypercall.h"
#include "traps.h"

#include <stdio.h>

static unsigned int calls, sum;

static unsigned int ring_of(unsigned long selector)
{
	return selector & 3;
}

static void called(struct regs *regs)
{
	calls++;
	switch (regs->ax) {
	case CALL_SELECTOR:
		printf("rings: application in ring %u, its code segment %lx\n", ring_of(regs->bx),
		       regs->bx);
		break;
	case CALL_SUM:
		sum = (unsigned int)regs->bx;
		regs->ax = sum / 2;
		break;
	default:
		regs->ax = ~0ul;
	}
}

/* The only fault there can be is the application's last act. */
static void stopped(struct regs *regs)
{
	unsigned long address = shared->vcpu[0].arch.cr2;
	bool right = calls == 3 && sum == 5050 && address == APPLICATION_TARGET &&
		     (regs->error & 7) == 7 && ring_of(regs->cs) == 3;

	printf("rings: application wrote to %lx and was stopped, trap %lu, error %lx\n", address,
	       regs->vector, regs->error);
	printf("rings: %s\n", right ? "passed" : "FAILED");
	shutdown(right ? SHUTDOWN_POWEROFF : SHUTDOWN_CRASH);
}

enum shutdown_reason main(void)
{
	unsigned long selector;
	long version = hypercall(HC_XEN_VERSION, VERSION_VERSION, 0, 0, 0);

	__asm__("mov %%cs, %0" : "=r"(selector));
	printf("rings: hypervisor in ring 0, Xen ABI %ld.%ld\n", version >> 16, version & 0xffff);
	printf("rings: kernel in ring %u, its code segment %lx\n", ring_of(selector), selector);
	trap_application_call = called;
	trap_application_fault = stopped;
	application_start();
	return SHUTDOWN_CRASH; /* it does not come back */
}
