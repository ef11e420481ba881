/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registers of a PV vcpu, as its builder sets them: public/arch-x86/xen.h, xen-x86_64.h. */
#ifndef DOM0_VCPU_CONTEXT_H
#define DOM0_VCPU_CONTEXT_H

#include "xen.h"

struct cpu_user_regs {
	u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	u32 error_code, entry_vector;
	u64 ip;
	u16 cs, pad0;
	u8 saved_upcall_mask, pad1[3];
	u64 flags, sp;
	u64 ss, es, ds, fs, gs; /* 16 bits and padding */
};

struct vcpu_guest_context {
	u8 fpu[512];
	unsigned long flags;
	struct cpu_user_regs regs;
	struct trap_info traps[256];
	unsigned long ldt_base, ldt_entries;
	unsigned long gdt_frames[16], gdt_entries;
	unsigned long kernel_ss, kernel_sp;
	unsigned long cr[8];
	unsigned long debug[8];
	unsigned long event_callback, failsafe_callback, syscall_callback;
	unsigned long vm_assist;
	u64 fs_base, gs_base_kernel, gs_base_user;
};

_Static_assert(sizeof(struct cpu_user_regs) == 200, "as Xen has it");
_Static_assert(sizeof(struct vcpu_guest_context) == 5168, "as Xen has it");

static inline unsigned long frame_to_cr3(mfn_t frame)
{
	return frame << PAGE_SHIFT;
}

static inline mfn_t cr3_to_frame(unsigned long cr3)
{
	return cr3 >> PAGE_SHIFT;
}

/* The index in `cr` of the table of applications; 0 there: none yet. */
#define USER_CR3 1

#endif
