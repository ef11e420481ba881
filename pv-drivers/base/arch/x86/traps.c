/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traps: the kernel has no page faults or others to expect, so each says where it was and ends the
 * domain. */
#include "traps.h"

#include "base.h"
#include "callbacks.h"
#include "event.h"
#include "hypercall.h"
#include "stdio.h"

#define UPCALL       0x100 /* as entry.S numbers them */
#define FAILSAFE     0x101
#define PAGE_FAULT   14
#define APPLICATION  0x80
#define INTERRUPT_IF 0x200u

extern char trap_divide[], trap_debug[], trap_breakpoint[], trap_overflow[], trap_bounds[],
    trap_opcode[], trap_no_fpu[], trap_tss[], trap_segment[], trap_stack[], trap_protection[],
    trap_page[], trap_fpu[], trap_alignment[], trap_simd[], trap_application[];

void (*trap_application_call)(struct regs *regs);
void (*trap_application_fault)(struct regs *regs);

#define GATE(vector, ring, entry) {vector, ring, KERNEL_CS, (unsigned long)(entry)}

void traps_start(void)
{
	static struct trap_info table[] = {
	    GATE(0, 0, trap_divide),
	    GATE(1, 0, trap_debug),
	    GATE(3, 3, trap_breakpoint),
	    GATE(4, 3, trap_overflow),
	    GATE(5, 0, trap_bounds),
	    GATE(6, 0, trap_opcode),
	    GATE(7, 0, trap_no_fpu),
	    GATE(10, 0, trap_tss),
	    GATE(11, 0, trap_segment),
	    GATE(12, 0, trap_stack),
	    GATE(13, 0, trap_protection),
	    GATE(14, 0, trap_page),
	    GATE(16, 0, trap_fpu),
	    GATE(17, 0, trap_alignment),
	    GATE(19, 0, trap_simd),
	    GATE(APPLICATION, 3, trap_application),
	    {0, 0, 0, 0},
	};

	hypercall(HC_SET_TRAP_TABLE, (unsigned long)table, 0, 0, 0);
	callbacks_set();
}

static void say(const struct regs *regs)
{
	unsigned int vector = (unsigned int)regs->vector;

	printf("\ntrap %u error %lx at %lx:%lx flags %lx sp %lx\n", vector, regs->error,
	       regs->cs & 0xffff, regs->ip, regs->flags, (unsigned long)(regs + 1));
	if (vector == PAGE_FAULT)
		printf("fault address %lx\n", shared->vcpu[0].arch.cr2);
	printf("ax %lx bx %lx cx %lx dx %lx si %lx di %lx bp %lx\n", regs->ax, regs->bx, regs->cx,
	       regs->dx, regs->si, regs->di, regs->bp);
}

/* Called by entry.S. An event upcall only ends a wait (event.c scans by itself): back with events
 * off. */
void trap_entered(struct regs *regs)
{
	if (regs->vector == UPCALL) {
		shared->vcpu[0].upcall_pending = 0;
		regs->flags &= ~(unsigned long)INTERRUPT_IF;
		return;
	}
	if (regs->vector == APPLICATION && trap_application_call) {
		trap_application_call(regs);
		return;
	}
	if (trap_application_fault && (regs->cs & 3) == 3) {
		trap_application_fault(regs);
		return;
	}
	say(regs);
	panic("unexpected trap");
}
