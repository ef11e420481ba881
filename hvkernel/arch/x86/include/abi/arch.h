/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Xen's guest ABI, the x86 part: public/arch-x86/xen.h. */
#ifndef HV_ABI_ARCH_H
#define HV_ABI_ARCH_H

#include "asm/regs.h"
#include "types.h"

struct arch_vcpu_info {
	ulong cr2;
	ulong pad[sizeof(long) == 4 ? 5 : 1];
};

struct arch_shared_info {
	ulong max_pfn, pfn_to_mfn_frame_list_list, nmi_reason;
	ulong p2m_cr3, p2m_vaddr, p2m_generation;
#ifdef __i386__
	u32 wc_sec_hi;
#endif
};

#ifdef __i386__
#define ARCH_SHARED_INFO struct arch_shared_info arch;
#define wall_sec_hi      arch.wc_sec_hi
#else
#define ARCH_SHARED_INFO                                                                           \
	u32 wc_sec_hi;                                                                             \
	struct arch_shared_info arch;
#define wall_sec_hi wc_sec_hi
#endif

#define FIRST_RESERVED_GDT_PAGE  14
#define FIRST_RESERVED_GDT_ENTRY (FIRST_RESERVED_GDT_PAGE * 512)

struct trap_info {
	u8 vector, flags; /* flags: bits 0-1 DPL, bit 2: events are masked on entry */
	u16 cs;
	ulong address;
};

#define VGCF_i387_valid               1
#define VGCF_in_kernel                4
#define VGCF_failsafe_disables_events 8
#define VGCF_syscall_disables_events  16
#define VGCF_online                   32
#define VGCF_in_syscall               256 /* of an iret frame */

struct vcpu_guest_context {
	u8 fpu[512];
	ulong flags;
	struct regs regs;
	struct trap_info traps[256];
	ulong ldt_base, ldt_ents;
	ulong gdt_frames[16], gdt_ents;
	ulong kernel_ss, kernel_sp;
	ulong ctrlreg[8];
	ulong debugreg[8];
#ifdef __i386__
	ulong event_cs, event_eip, failsafe_cs, failsafe_eip;
	ulong vm_assist;
#else
	ulong event_eip, failsafe_eip, syscall_eip;
	ulong vm_assist;
	u64 fs_base, gs_base_kernel, gs_base_user;
#endif
};

enum {
	CALLBACKTYPE_event,
	CALLBACKTYPE_failsafe,
	CALLBACKTYPE_syscall,
	CALLBACKTYPE_nmi = 4,
	CALLBACKTYPE_sysenter = 5,
	CALLBACKTYPE_syscall32 = 7
};
#define CALLBACKOP_register   0
#define CALLBACKOP_unregister 1
#define CALLBACKF_mask_events 1

struct callback_register {
	u16 type, flags;
#ifdef __i386__
	ulong cs;
#endif
	ulong address;
};

enum { SEGBASE_FS, SEGBASE_GS_USER, SEGBASE_GS_KERNEL, SEGBASE_GS_USER_SEL };

#endif
