/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The FPU belongs to whoever used it last; CR0.TS tells when somebody else wants it. */
#include "asm/cpu.h"
#include "asm/pv.h"
#include "asm/tss.h"
#include "cpus.h"

static void clts(void)
{
	__asm__ volatile("clts");
}

static void restore(struct vcpu *v)
{
	u32 mxcsr = 0x1f80;

	if (!v->arch.fpu_valid) {
		__asm__ volatile("fninit");
		if (cpu_has_sse)
			__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
	} else if (cpu_has_fxsr) {
		__asm__ volatile("fxrstor %0" : : "m"(v->arch.fpu));
	} else {
		__asm__ volatile("frstor %0" : : "m"(v->arch.fpu));
	}
}

void fpu_save(struct vcpu *v)
{
	if (v->arch.fpu_used) {
		clts();
		if (cpu_has_fxsr)
			__asm__ volatile("fxsave %0" : "=m"(v->arch.fpu));
		else
			__asm__ volatile("fnsave %0" : "=m"(v->arch.fpu));
		v->arch.fpu_valid = true;
		v->arch.fpu_used = false;
	}
	write_cr0(read_cr0() | CR0_TS);
}

void fpu_trap(struct regs *r)
{
	struct vcpu *v = current;

	clts();
	if (!v->arch.fpu_used) {
		restore(v);
		v->arch.fpu_used = true;
	}
	if (v->arch.guest_ts) {
		v->arch.guest_ts = false;
		inject_trap(r, TRAP_NM, -1);
	}
}
