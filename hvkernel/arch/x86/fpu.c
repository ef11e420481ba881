/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The FPU belongs to whoever used it last; CR0.TS tells when somebody else wants it. */
#include "asm/boot.h"
#include "asm/cpu.h"
#include "asm/pv.h"
#include "asm/tss.h"
#include "cpus.h"
#include "lib.h"

#define FXSAVE_MXCSR      24 /* Intel SDM vol. 1, 10.5.1 */
#define FXSAVE_MXCSR_MASK 28

static u32 mxcsr_mask;

static void clts(void)
{
	__asm__ volatile("clts");
}

/* As FNINIT leaves it, but with nothing in the registers: they hold what the last vcpu had there.
 */
static void first_image(u8 *fpu)
{
	static const u32 fsave[] = {0xffff037f, 0xffff0000, 0xffffffff};
	static const u32 control = 0x37f, mxcsr = 0x1f80;

	memset(fpu, 0, 512);
	if (!cpu_has_fxsr) {
		memcpy(fpu, fsave, sizeof(fsave));
		return;
	}
	memcpy(fpu, &control, sizeof(control));
	memcpy(fpu + FXSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
}

static void restore(struct vcpu *v)
{
	if (!v->arch.fpu_valid)
		first_image(v->arch.fpu);
	if (cpu_has_fxsr)
		__asm__ volatile("fxrstor %0" : : "m"(v->arch.fpu));
	else
		__asm__ volatile("frstor %0" : : "m"(v->arch.fpu));
}

/* The bits of MXCSR that this CPU knows: others fault in us. One that does not say knows all but
 * DAZ. */
void fpu_init(void)
{
	static u8 image[512] __attribute__((aligned(16)));

	clts();
	if (cpu_has_sse) {
		__asm__ volatile("fxsave %0" : "=m"(image));
		memcpy(&mxcsr_mask, image + FXSAVE_MXCSR_MASK, sizeof(mxcsr_mask));
		if (!mxcsr_mask)
			mxcsr_mask = 0xffbf;
	}
	write_cr0(read_cr0() | CR0_TS);
}

void fpu_set(struct vcpu *v, const u8 *image)
{
	u32 mxcsr;

	memcpy(v->arch.fpu, image, sizeof(v->arch.fpu));
	memcpy(&mxcsr, image + FXSAVE_MXCSR, sizeof(mxcsr));
	mxcsr &= mxcsr_mask;
	if (cpu_has_fxsr)
		memcpy(v->arch.fpu + FXSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
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
