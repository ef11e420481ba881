/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame that entry.S builds; the ABI shows it to guests as cpu_user_regs
 * (public/arch-x86/xen-x86_64.h). */
#ifndef HV_ASM_REGS_H
#define HV_ASM_REGS_H

#define REGS_R11    48
#define REGS_RAX    80
#define REGS_RCX    88
#define REGS_ERROR  120
#define REGS_VECTOR 124
#define REGS_RIP    128
#define REGS_CS     136
#define REGS_FLAGS  144
#define REGS_RSP    152
#define REGS_SS     160
#define REGS_ES     168
#define REGS_SIZE   200

/* Selectors that the ABI fixes (public/arch-x86/xen-x86_64.h), and ours. */
#define SEL_HV_CS     0xe008
#define SEL_HV_DS     0xe010
#define SEL_USER_CS32 0xe023
#define SEL_USER_SS   0xe02b
#define SEL_USER_CS   0xe033
#define SEL_KERNEL_CS 0xe033
#define SEL_KERNEL_DS 0xe02b
#define SEL_TSS       0xe040
#define SEL_LDT       0xe050

#ifndef __ASSEMBLER__
#include "types.h"

struct regs {
	u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	u32 error, vector;
	u64 ip;
	u16 cs, pad0;
	u8 saved_mask, pad1[3];
	u64 flags, sp;
	u16 ss, pad2[3], es, pad3[3], ds, pad4[3], fs, pad5[3], gs, pad6[3];
};
#endif

#endif
