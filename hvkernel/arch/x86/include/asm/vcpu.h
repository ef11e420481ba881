/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HV_ASM_VCPU_H
#define HV_ASM_VCPU_H

#include "abi/arch.h"
#include "list.h"
#include "types.h"

#define VCPU_ORDER    0
#define VCPU_FRAMES   2 /* with its table of traps */
#define CONTEXT_ORDER 1 /* struct vcpu_guest_context on its way */

struct page;

struct callback {
	u16 cs;
	bool mask_events;
	ulong address; /* 0: none */
};

struct arch_vcpu {
	struct regs regs; /* while it does not run */
	u8 fpu[512] __attribute__((aligned(16)));
	struct trap_info *traps; /* 256, a page */
	struct callback event, failsafe, syscall;

	struct page *root;                          /* of the kernel's page tables, held */
	struct page *root_user;                     /* x86-64: of applications' */
	u64 pdptes[4] __attribute__((aligned(32))); /* PAE: what CR3 points to */

	struct page *gdt[FIRST_RESERVED_GDT_PAGE];
	struct page *ldt[16];
	ulong gdt_entries, ldt_entries, ldt_base;

	u16 kernel_ss;
	bool in_kernel; /* x86-64: in the guest's kernel mode */
	bool fpu_used;  /* since it was switched to: its state is in the CPU */
	bool fpu_valid;
	bool guest_ts; /* the guest wants #NM (fpu_taskswitch) */
	ulong kernel_sp;
	ulong cr4;
	u32 iopl;
	u64 fs_base, gs_base_kernel, gs_base_user;
	u64 time_stamp; /* when its vcpu_time_info was last written */
};

struct arch_domain {
	bool io_allowed; /* ports, device memory, interrupts */
	bool relinquishing;
	struct list held; /* frames of a dying domain that others still use */
};

#endif
