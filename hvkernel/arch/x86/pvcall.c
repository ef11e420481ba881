/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercalls that only PV guests on x86 make. */
#include "asm/cpu.h"
#include "asm/geometry.h"
#include "asm/machphys.h"
#include "asm/pv.h"
#include "cpus.h"
#include "errno.h"
#include "guest.h"
#include "hypercall.h"
#include "lib.h"
#include "pagetype.h"
#include "sched.h"
#include "space.h"

ulong arch_features(void)
{
	return BIT(XENFEAT_pae_pgdir_above_4gb) | BIT(XENFEAT_preserve_ad) |
	       BIT(XENFEAT_gnttab_map_avail_bits);
}

ulong arch_virt_start(void)
{
	return HV_START;
}

static bool is_canonical(ulong address)
{
	return sizeof(long) == 4 || (ulong)((long)(address << (sizeof(long) == 8 ? 16 : 0)) >>
					    (sizeof(long) == 8 ? 16 : 0)) == address;
}

static long set_trap_table(ulong at)
{
	struct vcpu *v = current;

	if (!at) {
		memset(v->arch.traps, 0, 256 * sizeof(struct trap_info));
		return 0;
	}
	for (unsigned int n = 0; n < 256; n++, at += sizeof(struct trap_info)) {
		struct trap_info t;

		if (!copy_from_guest(&t, at, sizeof(t)))
			return -EFAULT;
		if (!t.address)
			return 0;
		if (!is_canonical(t.address) || !selector_is_kernel_code(&t.cs))
			return -EINVAL;
		v->arch.traps[t.vector] = t;
	}
	return 0;
}

static long set_callback(struct callback *c, u16 cs, ulong address, bool mask)
{
	if (!is_canonical(address) || !selector_is_kernel_code(&cs))
		return -EINVAL;
	*c = (struct callback){cs, mask, address};
	return 0;
}

static long set_callbacks(const ulong *args)
{
	struct arch_vcpu *a = &current->arch;
	long error;

	if (sizeof(long) == 4) {
		error = set_callback(&a->event, (u16)args[0], args[1], true);
		return error ? error : set_callback(&a->failsafe, (u16)args[2], args[3], true);
	}
	error = set_callback(&a->event, SEL_KERNEL_CS, args[0], true);
	if (!error)
		error = set_callback(&a->failsafe, SEL_KERNEL_CS, args[1], false);
	if (!error && args[2])
		error = set_callback(&a->syscall, SEL_KERNEL_CS, args[2], false);
	return error;
}

static long callback_op(u32 cmd, ulong arg)
{
	struct arch_vcpu *a = &current->arch;
	struct callback_register op;
	struct callback *c;
	u16 cs = SEL_KERNEL_CS;
	bool mask;

	if (cmd != CALLBACKOP_register)
		return -ENOSYS;
	if (!copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	mask = op.flags & CALLBACKF_mask_events;
	switch (op.type) {
	case CALLBACKTYPE_event:
		c = &a->event;
		mask = true;
		break;
	case CALLBACKTYPE_failsafe:
		c = &a->failsafe;
		break;
	case CALLBACKTYPE_syscall:
		if (sizeof(long) == 4)
			return -EINVAL;
		c = &a->syscall;
		break;
	case CALLBACKTYPE_nmi:
		return 0; /* none are sent */
	default:
		return -EINVAL;
	}
#ifdef __i386__
	cs = (u16)op.cs;
#endif
	return set_callback(c, cs, op.address, mask);
}

static long set_gdt(ulong list, ulong entries)
{
	ulong frames[FIRST_RESERVED_GDT_PAGE];
	ulong count = (entries + 511) / 512;

	if (entries > FIRST_RESERVED_GDT_ENTRY)
		return -EINVAL;
	if (!copy_from_guest(frames, list, count * sizeof(ulong)))
		return -EFAULT;
	return space_set_gdt(current, frames, entries);
}

static long stack_switch(ulong ss, ulong sp)
{
	u16 selector = (u16)ss;

	if (sizeof(long) == 4 && (selector & 3) < 1)
		selector |= 1;
	if (!is_canonical(sp))
		return -EINVAL;
	current->arch.kernel_ss = selector;
	current->arch.kernel_sp = sp;
	return 0;
}

static long fpu_taskswitch(bool set)
{
	current->arch.guest_ts = set;
	write_cr0(set || !current->arch.fpu_used ? read_cr0() | CR0_TS : read_cr0() & ~CR0_TS);
	return 0;
}

#ifndef __i386__
static long set_segment_base(u32 which, ulong base)
{
	struct arch_vcpu *a = &current->arch;

	if (which != SEGBASE_GS_USER_SEL && !is_canonical(base))
		return -EINVAL;
	switch (which) {
	case SEGBASE_FS:
		wrmsr(MSR_FS_BASE, base);
		return 0;
	case SEGBASE_GS_USER:
		a->gs_base_user = base;
		return 0;
	case SEGBASE_GS_KERNEL:
		wrmsr(MSR_GS_BASE, base);
		return 0;
	case SEGBASE_GS_USER_SEL: {
		/* Loads the selector for the application: its base is what the descriptor says. */
		u64 kernel = rdmsr(MSR_GS_BASE);

		if (load_gs((u32)base & 0xffff))
			load_gs(0);
		a->gs_base_user = rdmsr(MSR_GS_BASE);
		wrmsr(MSR_GS_BASE, kernel);
		return 0;
	}
	default:
		return -EINVAL;
	}
}
#else
static long set_segment_base(u32 which, ulong base)
{
	(void)which;
	(void)base;
	return -ENOSYS;
}
#endif

/* Breakpoints of guests would fire in the hypervisor too (MOV SS, then a way in): none are set. */
static long set_debugreg(u32 reg, ulong value)
{
	if (reg == 7 && value & 0xff)
		return -EPERM;
	return reg < 8 && reg != 4 && reg != 5 ? 0 : -EINVAL;
}

static long va_mapping(const ulong *args, bool other)
{
	if (sizeof(long) == 4)
		return update_va_mapping(args[0], (u64)args[2] << 16 << 16 | args[1], args[3],
					 other ? (domid_t)args[4] : DOMID_SELF);
	return update_va_mapping(args[0], args[1], args[2], other ? (domid_t)args[3] : DOMID_SELF);
}

static u64 wide(const ulong *args)
{
	return sizeof(long) == 4 ? (u64)args[1] << 16 << 16 | args[0] : args[0];
}

long arch_hypercall(ulong nr, ulong *args)
{
	switch (nr) {
	case HC_set_trap_table:
		return set_trap_table(args[0]);
	case HC_mmu_update:
		return mmu_update(args);
	case HC_set_gdt:
		return set_gdt(args[0], args[1]);
	case HC_stack_switch:
		return stack_switch(args[0], args[1]);
	case HC_set_callbacks:
		return set_callbacks(args);
	case HC_fpu_taskswitch:
		return fpu_taskswitch(args[0] != 0);
	case HC_set_debugreg:
		return set_debugreg((u32)args[0], args[1]);
	case HC_get_debugreg:
		return args[0] < 8 ? 0 : -EINVAL;
	case HC_update_descriptor:
		return sizeof(long) == 4 ? update_descriptor(wide(args), wide(args + 2))
					 : update_descriptor(args[0], args[1]);
	case HC_update_va_mapping:
		return va_mapping(args, false);
	case HC_update_va_mapping_otherdomain:
		return va_mapping(args, true);
	case HC_set_timer_op:
		return set_timer_op(wide(args));
	case HC_set_segment_base:
		return set_segment_base((u32)args[0], args[1]);
	case HC_mmuext_op:
		return mmuext_op(args);
	case HC_callback_op:
		return callback_op((u32)args[0], args[1]);
	case HC_nmi_op:
		return -ENOSYS;
	default:
		return -ENOSYS;
	}
}

/* What goes on is executed anew: the instruction that led here is two bytes long (int $0x82,
 * syscall), and the arguments say what is left. */
long pv_hypercall(struct regs *r)
{
	ulong args[6];
	long result;

	if (r->ax == HC_iret)
		return do_iret(r);
	hypercall_args(r, args);
	result = hypercall(r->ax, args);
	if (result != -ECONTINUE)
		return result;
	hypercall_set_args(r, args);
	r->ip -= 2;
	return (long)r->ax;
}

int arch_hypercall_page(struct domain *d, mfn_t mfn)
{
	struct page *page;
	u8 *at;

	if (page_get_both(mfn, d, PT_WRITABLE, &page))
		return -EINVAL;
	at = map_frame(mfn);
	fill_hypercall_page(at);
	unmap_frame(at);
	page_put_both(page);
	return 0;
}

/* public/domctl.h, getpageframeinfo3 */
u32 arch_page_info(struct domain *d, mfn_t mfn)
{
	struct page *page = page_of(mfn);
	u32 type, info = 0;

	if (!page || page->owner != d->slot)
		return 0xfu << 28;
	type = page->type & PT_TYPE;
	if (page->type & PT_COUNT && type_is_table(type))
		info = pt_level(type) << 28;
	return info | (page->type & PT_PINNED ? 1u << 31 : 0);
}
