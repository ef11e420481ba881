/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layouts of Xen's public arch-x86/xen-x86_32.h and arch-x86/xen.h, see xen.h. */
#ifndef BASE_XEN_ARCH_H
#define BASE_XEN_ARCH_H

#include "types.h"

#define ABI_NAME     "x86_32-abi" /* as block devices call it (io/protocols.h) */
#define GUEST_TYPE   "x86_32p"
#define KERNEL_CS    0xe019
#define KERNEL_DS    0xe021
#define START_DS     KERNEL_DS
#define FLAT_USER_CS 0xe02b
#define FLAT_USER_DS 0xe033
#define M2P_START    0xf5800000ul
#define PT_LEVELS    3
#define PT_PIN_TOP   MMUEXT_PIN_L3

#define HANDLE(type)   type *
#define SHARED_WC_HIGH /* lies elsewhere here */

struct vcpu_arch {
	unsigned long cr2, pad[5];
};

struct trap_info {
	u8 vector;
	u8 flags; /* 0-3: privilege level, 4: clear the event mask */
	u16 cs;
	unsigned long address;
};

/* What arch/ia32/entry.S pushes, lowest address first; the tail is what Xen pushed. */
struct regs {
	unsigned long bx, cx, dx, si, di, bp, ax;
	unsigned long ds, es;
	unsigned long vector, error;
	unsigned long ip, cs, flags;
	unsigned long sp, ss; /* only if the trap came from ring 3 */
};

#endif
