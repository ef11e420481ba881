/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A vcpu's state as a whole: vcpu_guest_context (public/arch-x86/xen.h), of VCPUOP_initialise and
 * of domctl's set and getvcpucontext. */
#include "asm/cpu.h"
#include "asm/geometry.h"
#include "asm/machphys.h"
#include "asm/pv.h"
#include "cpus.h"
#include "errno.h"
#include "frame.h"
#include "guest.h"
#include "hypercall.h"
#include "lib.h"
#include "pagetype.h"
#include "sched.h"
#include "space.h"

/* PAE puts the upper bits of the frame number into the lower ones of CR3. */
static mfn_t cr3_frame(ulong cr3)
{
	return sizeof(long) == 4 ? (cr3 >> 12 | cr3 << 20) : cr3 >> 12;
}

static ulong frame_cr3(const struct page *root)
{
	mfn_t mfn = root ? mfn_of(root) : 0;

	return sizeof(long) == 4 ? (mfn << 12 | mfn >> 20) : mfn << 12;
}

static int set_tables(struct vcpu *v, const struct vcpu_guest_context *c)
{
	int error = space_set_root(v, cr3_frame(c->ctrlreg[3]), false);

	if (!error && PT_LEVELS == 4 && c->ctrlreg[1])
		error = space_set_root(v, cr3_frame(c->ctrlreg[1]), true);
	if (!error)
		error = space_set_gdt(v, c->gdt_frames, c->gdt_ents);
	return error;
}

static void set_callbacks(struct vcpu *v, const struct vcpu_guest_context *c)
{
	struct arch_vcpu *a = &v->arch;

#ifdef __i386__
	a->event = (struct callback){(u16)c->event_cs, true, c->event_eip};
	a->failsafe = (struct callback){(u16)c->failsafe_cs, true, c->failsafe_eip};
	selector_is_kernel_code(&a->event.cs);
	selector_is_kernel_code(&a->failsafe.cs);
#else
	a->event = (struct callback){SEL_KERNEL_CS, true, c->event_eip};
	a->failsafe = (struct callback){
	    SEL_KERNEL_CS, (c->flags & VGCF_failsafe_disables_events) != 0, c->failsafe_eip};
	a->syscall = (struct callback){
	    SEL_KERNEL_CS, (c->flags & VGCF_syscall_disables_events) != 0, c->syscall_eip};
	a->fs_base = c->fs_base;
	a->gs_base_kernel = c->gs_base_kernel;
	a->gs_base_user = c->gs_base_user;
#endif
}

static bool addresses_are_good(const struct vcpu_guest_context *c)
{
#ifndef __i386__
	const u64 all[] = {c->event_eip,      c->failsafe_eip, c->syscall_eip, c->fs_base,
			   c->gs_base_kernel, c->gs_base_user, c->regs.ip,     c->kernel_sp};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if ((u64)((s64)(all[i] << 16) >> 16) != all[i])
			return false;
#endif
	return c->gdt_ents <= FIRST_RESERVED_GDT_ENTRY;
}

static int set_context(struct vcpu *v, struct vcpu_guest_context *c)
{
	int error;

	if (!addresses_are_good(c) || c->ldt_ents)
		return -EINVAL;
	for (unsigned int i = 0; i < 256; i++)
		if (c->traps[i].address && !selector_is_kernel_code(&c->traps[i].cs))
			return -EINVAL;
	error = set_tables(v, c);
	if (error)
		return error;
	v->arch.regs = c->regs;
	regs_sanitize(&v->arch.regs);
	memcpy(v->arch.traps, c->traps, sizeof(c->traps));
	fpu_set(v, c->fpu);
	v->arch.fpu_valid = c->flags & VGCF_i387_valid;
	v->arch.kernel_ss = (u16)(c->kernel_ss | (sizeof(long) == 4 ? 1 : 3));
	v->arch.kernel_sp = c->kernel_sp;
	v->arch.in_kernel = true;
	v->arch.guest_ts = false;
	set_callbacks(v, c);
	if (c->flags & VGCF_online && v->domain != current->domain)
		vcpu_clear_state(v, VCPU_DOWN);
	return 0;
}

int arch_set_context(struct vcpu *v, ulong from)
{
	struct domain *caller = current->domain;
	struct vcpu_guest_context *c = domain_hv_alloc(caller, CONTEXT_ORDER);
	int error = -EFAULT;

	if (!c)
		return -ENOMEM;
	if (copy_from_guest(c, from, sizeof(*c)))
		error = set_context(v, c);
	domain_hv_free(caller, c, CONTEXT_ORDER);
	return error;
}

int arch_get_context(struct vcpu *v, ulong to)
{
	struct domain *caller = current->domain;
	struct vcpu_guest_context *c = domain_hv_alloc(caller, CONTEXT_ORDER);
	int error;

	if (!c)
		return -ENOMEM;
	c->regs = v->arch.regs;
	c->regs.saved_mask = v->info->upcall_mask;
	memcpy(c->traps, v->arch.traps, sizeof(c->traps));
	memcpy(c->fpu, v->arch.fpu, sizeof(c->fpu));
	c->flags = (v->arch.fpu_valid ? VGCF_i387_valid : 0) |
		   (v->arch.in_kernel ? VGCF_in_kernel : 0) |
		   (v->state & VCPU_DOWN ? 0 : VGCF_online);
	c->kernel_ss = v->arch.kernel_ss;
	c->kernel_sp = v->arch.kernel_sp;
	c->ctrlreg[0] = 0x80050033;
	c->ctrlreg[3] = frame_cr3(v->arch.root);
	c->ctrlreg[1] = frame_cr3(v->arch.root_user);
	for (unsigned int i = 0; i < FIRST_RESERVED_GDT_PAGE; i++)
		c->gdt_frames[i] = v->arch.gdt[i] ? mfn_of(v->arch.gdt[i]) : 0;
	c->gdt_ents = v->arch.gdt_entries;
	c->ldt_base = v->arch.ldt_base;
	c->ldt_ents = v->arch.ldt_entries;
	c->event_eip = v->arch.event.address;
	c->failsafe_eip = v->arch.failsafe.address;
#ifdef __i386__
	c->event_cs = v->arch.event.cs;
	c->failsafe_cs = v->arch.failsafe.cs;
#else
	c->syscall_eip = v->arch.syscall.address;
	c->fs_base = v->arch.fs_base;
	c->gs_base_kernel = v->arch.gs_base_kernel;
	c->gs_base_user = v->arch.gs_base_user;
#endif
	c->vm_assist = v->domain->vm_assist;
	error = copy_to_guest(to, c, sizeof(*c)) ? 0 : -EFAULT;
	domain_hv_free(caller, c, CONTEXT_ORDER);
	return error;
}
