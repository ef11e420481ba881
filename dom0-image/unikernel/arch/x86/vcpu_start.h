/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first vcpu of a PV guest at its entry: public/xen.h and arch-x86/xen.h, "initial state". */
#ifndef DOM0_VCPU_START_H
#define DOM0_VCPU_START_H

#include "vcpu_context.h"

#include <string.h>

#define VCPU_FPU_VALID 1u
#define VCPU_IN_KERNEL 4u
#define VCPU_ONLINE    32u
#define FLAGS_IF       0x202u

static inline void vcpu_start(struct vcpu_guest_context *c, unsigned long entry,
			      unsigned long stack, unsigned long start, mfn_t table)
{
	memset(c, 0, sizeof(*c));
	c->flags = VCPU_IN_KERNEL | VCPU_ONLINE;
	c->regs.ip = entry;
	c->regs.sp = stack;
	c->regs.si = start;
	c->regs.flags = FLAGS_IF;
	c->regs.cs = KERNEL_CS;
	c->regs.ss = KERNEL_DS;
	c->regs.ds = c->regs.es = c->regs.fs = c->regs.gs = START_DS;
	c->kernel_ss = KERNEL_DS;
	c->kernel_sp = stack;
	c->cr[3] = frame_to_cr3(table);
}

#endif
