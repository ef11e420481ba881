/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests on x86-64: kernel and applications in ring 3, each with page tables of its own. */
#include "asm/cpu.h"
#include "asm/layout.h"
#include "asm/pv.h"
#include "asm/geometry.h"
#include "cpus.h"
#include "guest.h"
#include "hypercall.h"
#include "lib.h"
#include "pagetype.h"
#include "space.h"

bool guest_in_kernel(const struct regs *r)
{
	(void)r;
	return current->arch.in_kernel;
}

bool selector_is_kernel_code(u16 *cs)
{
	*cs = SEL_KERNEL_CS;
	return true;
}

void hypercall_args(const struct regs *r, ulong args[6])
{
	args[0] = r->di;
	args[1] = r->si;
	args[2] = r->dx;
	args[3] = r->r10;
	args[4] = r->r8;
	args[5] = r->r9;
}

void hypercall_set_args(struct regs *r, const ulong args[6])
{
	r->di = args[0];
	r->si = args[1];
	r->dx = args[2];
	r->r10 = args[3];
	r->r8 = args[4];
	r->r9 = args[5];
}

/* The frame, from below: rcx, r11, [error, or ds, es, fs, gs,] rip, cs (its RPL tells kernel from
 * application, bits 32 to 39 the old mask), rflags (IF: events were not masked), rsp, ss. */
void bounce(struct regs *r, u16 cs, ulong to, bool mask_events, s64 error)
{
	struct vcpu *v = current;
	u8 mask = v->info->upcall_mask;
	ulong frame[11], sp, size, *f = frame;

	if (v->arch.in_kernel)
		sp = r->sp & ~15ul;
	else
		sp = v->arch.kernel_sp & ~15ul;
	*f++ = r->cx;
	*f++ = r->r11;
	if (error >= 0)
		*f++ = (ulong)error;
	if (error == WITH_SEGMENTS) {
		__asm__("mov %%ds, %0" : "=r"(*f++));
		__asm__("mov %%es, %0" : "=r"(*f++));
		__asm__("mov %%fs, %0" : "=r"(*f++));
		__asm__("mov %%gs, %0" : "=r"(*f++));
	}
	*f++ = r->ip;
	*f++ = (v->arch.in_kernel ? r->cs & ~3ul : r->cs) | (ulong)mask << 32;
	*f++ = (r->flags & ~(ulong)(FLAG_IF | FLAG_IOPL)) | (mask ? 0 : FLAG_IF);
	*f++ = r->sp;
	*f++ = r->ss;
	size = (ulong)((u8 *)f - (u8 *)frame);
	if (!v->arch.in_kernel)
		space_toggle(v);
	if (!to || !copy_to_guest(sp - size, frame, size)) {
		domain_crash(v->domain,
			     to ? "its kernel stack %lx cannot be written"
				: "it has no handler for what happened (stack %lx)",
			     sp);
		return;
	}
	if (mask_events)
		v->info->upcall_mask = 1;
	r->sp = sp - size;
	r->ss = SEL_KERNEL_DS;
	r->cs = cs;
	r->ip = to;
	r->flags &= ~(ulong)(FLAG_TF | FLAG_NT | FLAG_RF | FLAG_AC | FLAG_DF);
}

/* public/arch-x86/xen-x86_64.h, struct iret_context */
long do_iret(struct regs *r)
{
	struct vcpu *v = current;
	struct {
		u64 rax, r11, rcx, flags, rip, cs, rflags, rsp, ss;
	} f;

	if (!copy_from_guest(&f, r->sp, sizeof(f))) {
		domain_crash(v->domain, "iret: its stack %lx cannot be read", (ulong)r->sp);
		return 0;
	}
	if ((f.cs & 3) == 3)
		space_toggle(v);
	r->ip = f.rip;
	r->cs = (u16)(f.cs | 3);
	r->flags = f.rflags;
	r->sp = f.rsp;
	r->ss = (u16)(f.ss | 3);
	/* As sysret would leave them behind a system call. */
	r->r11 = f.flags & VGCF_in_syscall ? f.rflags : f.r11;
	r->cx = f.flags & VGCF_in_syscall ? f.rip : f.rcx;
	r->ax = f.rax;
	regs_sanitize(r);
	v->info->upcall_mask = !(f.rflags & FLAG_IF);
	return (long)f.rax;
}

void regs_sanitize(struct regs *r)
{
	r->flags = (r->flags & FLAGS_GUEST) | FLAG_IF | 2;
	if ((r->cs & 0xfffc) != 0)
		r->cs |= 3;
	r->ss |= 3;
}

void segments_save(struct vcpu *v)
{
	struct regs *r = &v->arch.regs;
	u64 gs = rdmsr(MSR_GS_BASE);

	__asm__("mov %%ds, %0" : "=r"(r->ds));
	__asm__("mov %%es, %0" : "=r"(r->es));
	__asm__("mov %%fs, %0" : "=r"(r->fs));
	__asm__("mov %%gs, %0" : "=r"(r->gs));
	v->arch.fs_base = rdmsr(MSR_FS_BASE);
	if (v->arch.in_kernel)
		v->arch.gs_base_kernel = gs;
	else
		v->arch.gs_base_user = gs;
}

/* A selector that is no good any more becomes 0: nobody sees the last vcpu's. */
void segments_load(struct vcpu *v)
{
	const struct regs *r = &v->arch.regs;

	if (load_ds(r->ds))
		load_ds(0);
	if (load_es(r->es))
		load_es(0);
	if (load_fs(r->fs))
		load_fs(0);
	if (load_gs(r->gs))
		load_gs(0);
	wrmsr(MSR_FS_BASE, v->arch.fs_base);
	wrmsr(MSR_GS_BASE, v->arch.in_kernel ? v->arch.gs_base_kernel : v->arch.gs_base_user);
}

/* push %rcx; push %r11; mov $n, %eax; syscall; pop %r11; pop %rcx; ret - but for iret, which does
 * not come back: push %rcx; push %r11; push %rax; mov $23, %eax; syscall. */
void fill_hypercall_page(u8 *page)
{
	memset(page, 0xcc, PAGE_SIZE);
	for (u32 n = 0; n < HYPERCALLS; n++) {
		u8 *p = page + 32 * n;

		*p++ = 0x51;
		*p++ = 0x41;
		*p++ = 0x53;
		if (n == HC_iret)
			*p++ = 0x50;
		*p++ = 0xb8;
		memcpy(p, &n, 4);
		p += 4;
		*p++ = 0x0f;
		*p++ = 0x05;
		if (n == HC_iret)
			continue;
		*p++ = 0x41;
		*p++ = 0x5b;
		*p++ = 0x59;
		*p = 0xc3;
	}
}

/* System descriptors (gates, TSS, LDT) are refused; code and data of a privilege above the guest's
 * are brought down to it (Intel SDM vol. 3, 3.4.5). Bases do not matter in 64-bit mode, and 32-bit
 * code reaches the first 4 GiB only. */
bool descriptor_check(u64 *d)
{
	const u64 present = 1ull << 47, code_or_data = 1ull << 44, dpl = 3ull << 45;

	if (!(*d & present))
		return true;
	if (!(*d & code_or_data))
		return false;
	*d |= dpl;
	return true;
}

bool segment_fault(struct regs *r)
{
	const char *ip = (const char *)r->ip;

	if (ip != load_ds_insn && ip != load_es_insn && ip != load_fs_insn && ip != load_gs_insn)
		return false;
	r->ip = (ulong)load_failed;
	return true;
}
