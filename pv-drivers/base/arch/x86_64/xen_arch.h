/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layouts of Xen's public arch-x86/xen-x86_64.h and arch-x86/xen.h, see xen.h. */
#ifndef BASE_XEN_ARCH_H
#define BASE_XEN_ARCH_H

#include "types.h"

#define ABI_NAME     "x86_64-abi" /* as block devices call it (io/protocols.h) */
#define GUEST_TYPE   "x86_64"
#define KERNEL_CS    0xe033
#define KERNEL_DS    0xe02b
#define START_DS     0
#define FLAT_USER_CS 0xe033
#define FLAT_USER_DS 0xe02b
#define M2P_START    0xffff800000000000ul
#define PT_LEVELS    4
#define PT_PIN_TOP   MMUEXT_PIN_L4

#define HANDLE(type)   type *
#define SHARED_WC_HIGH u32 wc_sec_hi;

struct vcpu_arch {
	unsigned long cr2, pad;
};

struct trap_info {
	u8 vector;
	u8 flags; /* 0-3: privilege level, 4: clear the event mask */
	u16 cs;
	unsigned long address;
};

/* What arch/x86_64/entry.S pushes, lowest address first; the tail is what Xen pushed. */
struct regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long vector, error;
	unsigned long ip, cs, flags, sp, ss;
};

#endif
