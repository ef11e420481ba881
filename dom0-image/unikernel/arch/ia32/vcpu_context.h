/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registers of a PV vcpu, as its builder sets them: public/arch-x86/xen.h, xen-x86_32.h. */
#ifndef DOM0_VCPU_CONTEXT_H
#define DOM0_VCPU_CONTEXT_H

#include "xen.h"

struct cpu_user_regs {
	u32 bx, cx, dx, si, di, bp, ax;
	u16 error_code, entry_vector;
	u32 ip;
	u16 cs;
	u8 saved_upcall_mask, pad0;
	u32 flags, sp;
	u32 ss, es, ds, fs, gs; /* 16 bits and padding */
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
	unsigned long event_callback_cs, event_callback;
	unsigned long failsafe_callback_cs, failsafe_callback;
	unsigned long vm_assist;
};

_Static_assert(sizeof(struct cpu_user_regs) == 68, "as Xen has it");
_Static_assert(sizeof(struct vcpu_guest_context) == 2800, "as Xen has it");

static inline unsigned long frame_to_cr3(mfn_t frame)
{
	return frame << PAGE_SHIFT | frame >> 20;
}

static inline mfn_t cr3_to_frame(unsigned long cr3)
{
	return cr3 >> PAGE_SHIFT | cr3 << 20;
}

#endif
