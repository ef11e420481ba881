/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame that entry.S builds; the ABI shows it to guests as cpu_user_regs
 * (public/arch-x86/xen-x86_32.h). Of a trap in the hypervisor itself only what is up to eflags is
 * there. */
#ifndef HV_ASM_REGS_H
#define HV_ASM_REGS_H

#define REGS_ERROR 28
#define REGS_EIP   32
#define REGS_CS    36
#define REGS_ESP   44
#define REGS_ES    52
#define REGS_DS    56
#define REGS_SIZE  68

/* Selectors that the ABI fixes (public/arch-x86/xen-x86_32.h), and ours. */
#define SEL_HV_CS     0xe008
#define SEL_HV_DS     0xe010
#define SEL_KERNEL_CS 0xe019
#define SEL_KERNEL_DS 0xe021
#define SEL_USER_CS   0xe02b
#define SEL_USER_DS   0xe033
#define SEL_TSS       0xe038
#define SEL_LDT       0xe048
#define SEL_DF_TSS    0xe058

#ifndef __ASSEMBLER__
#include "types.h"

struct regs {
	u32 bx, cx, dx, si, di, bp, ax;
	u16 error, vector;
	u32 ip;
	u16 cs;
	u8 saved_mask, pad0;
	u32 flags, sp;
	u16 ss, pad1, es, pad2, ds, pad3, fs, pad4, gs, pad5;
};
#endif

#endif
