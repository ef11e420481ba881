/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests on IA-32: kernel in ring 1, applications in ring 3, one set of page tables. */
#include "asm/cpu.h"
#include "asm/layout.h"
#include "asm/pv.h"
#include "cpus.h"
#include "guest.h"
#include "hypercall.h"
#include "lib.h"
#include "pagetype.h"

bool guest_in_kernel(const struct regs *r)
{
	return (r->cs & 3) == 1;
}

bool selector_is_kernel_code(u16 *cs)
{
	if ((*cs & 3) == 0)
		*cs |= 1;
	return (*cs & ~3) != 0;
}

void hypercall_args(const struct regs *r, ulong args[6])
{
	args[0] = r->bx;
	args[1] = r->cx;
	args[2] = r->dx;
	args[3] = r->si;
	args[4] = r->di;
	args[5] = r->bp;
}

void hypercall_set_args(struct regs *r, const ulong args[6])
{
	r->bx = args[0];
	r->cx = args[1];
	r->dx = args[2];
	r->si = args[3];
	r->di = args[4];
	r->bp = args[5];
}

/* The frame, from below: [error, or ds, es, fs, gs,] eip, cs (upper half: the old mask), eflags
 * (IF: events were not masked), and esp and ss if it comes from ring 3. */
void bounce(struct regs *r, u16 cs, ulong to, bool mask_events, s64 error)
{
	struct vcpu *v = current;
	u8 mask = v->info->upcall_mask;
	bool kernel = guest_in_kernel(r);
	u32 frame[9], *f = frame, sp = kernel ? r->sp : v->arch.kernel_sp, size;

	if (error >= 0)
		*f++ = (u32)error;
	if (error == WITH_SEGMENTS) {
		*f++ = r->ds;
		*f++ = r->es;
		__asm__("mov %%fs, %0" : "=r"(*f++));
		__asm__("mov %%gs, %0" : "=r"(*f++));
	}
	*f++ = r->ip;
	*f++ = r->cs | (u32)mask << 16;
	*f++ = (r->flags & ~(FLAG_IF | FLAG_IOPL)) | (mask ? 0 : FLAG_IF);
	if (!kernel) {
		*f++ = r->sp;
		*f++ = r->ss;
	}
	size = (u32)((u8 *)f - (u8 *)frame);
	if (!to || !copy_to_guest(sp - size, frame, size)) {
		domain_crash(v->domain,
			     to ? "its kernel stack %x cannot be written"
				: "it has no handler for what happened (stack %x)",
			     sp);
		return;
	}
	if (mask_events)
		v->info->upcall_mask = 1;
	if (!kernel)
		r->ss = v->arch.kernel_ss;
	r->sp = sp - size;
	r->cs = cs;
	r->ip = to;
	r->flags &= ~(FLAG_TF | FLAG_NT | FLAG_RF | FLAG_AC);
}

long do_iret(struct regs *r)
{
	struct vcpu *v = current;
	struct {
		u32 eax, eip, cs, eflags, esp, ss;
	} f;
	bool to_kernel;

	if (!copy_from_guest(&f, r->sp, 16))
		goto bad;
	to_kernel = (f.cs & 3) == 1;
	if ((f.cs & 3) == 0 || f.eflags & FLAG_VM)
		goto bad;
	if (!to_kernel && !copy_from_guest(&f, r->sp, sizeof(f)))
		goto bad;
	r->sp = to_kernel ? r->sp + 16 : f.esp;
	if (!to_kernel)
		r->ss = (u16)f.ss;
	r->ip = f.eip;
	r->cs = (u16)f.cs;
	r->flags = f.eflags;
	r->ax = f.eax;
	regs_sanitize(r);
	v->info->upcall_mask = !(f.eflags & FLAG_IF);
	return (long)f.eax;
bad:
	domain_crash(v->domain, "iret: its frame at %x is no good", r->sp);
	return 0;
}

/* Nothing with the privilege of ring 0 ever comes from a guest. */
void regs_sanitize(struct regs *r)
{
	r->flags = (r->flags & FLAGS_GUEST) | FLAG_IF | 2;
	if (!(r->cs & 3))
		r->cs |= 1;
	if (!(r->ss & 3))
		r->ss |= 1;
}

void segments_save(struct vcpu *v)
{
	struct regs *r = &v->arch.regs;

	__asm__("mov %%fs, %0" : "=r"(r->fs));
	__asm__("mov %%gs, %0" : "=r"(r->gs));
}

/* A selector that is no good any more becomes 0: nobody sees the last vcpu's. ds and es are loaded
 * on the way out (entry.S). */
void segments_load(struct vcpu *v)
{
	if (load_fs(v->arch.regs.fs))
		load_fs(0);
	if (load_gs(v->arch.regs.gs))
		load_gs(0);
}

/* mov $n, %eax; int $0x82; ret - but for iret: push %eax; mov $23, %eax; int $0x82. */
void fill_hypercall_page(u8 *page)
{
	memset(page, 0xcc, PAGE_SIZE);
	for (u32 n = 0; n < HYPERCALLS; n++) {
		u8 *p = page + 32 * n;

		if (n == HC_iret)
			*p++ = 0x50;
		*p++ = 0xb8;
		memcpy(p, &n, 4);
		p += 4;
		*p++ = 0xcd;
		*p++ = VECTOR_HYPERCALL;
		if (n != HC_iret)
			*p = 0xc3;
	}
}

/*
 * Segments are what keeps ring 1 away from the hypervisor (Intel SDM vol. 3, 3.4.5): each must end
 * before GUEST_SEG_END. One that is too long is cut; one that grows down, or begins behind the end,
 * is refused, as are gates, TSS and LDT; DPL 0 becomes 1.
 */
bool descriptor_check(u64 *d)
{
	const u64 present = 1ull << 47, code_or_data = 1ull << 44, granular = 1ull << 55;
	u64 base = (*d >> 16 & 0xffffff) | (*d >> 56) << 24, limit, last;

	if (!(*d & present))
		return true;
	if (!(*d & code_or_data) || base >= GUEST_SEG_END)
		return false;
	if (!(*d >> 43 & 1) && *d >> 42 & 1) /* data that grows down */
		return false;
	if (!(*d >> 45 & 3))
		*d |= 1ull << 45;
	limit = (*d & 0xffff) | (*d >> 32 & 0xf0000);
	last = base + (*d & granular ? limit << 12 | 0xfff : limit);
	if (last < GUEST_SEG_END)
		return true;
	limit = GUEST_SEG_END - 1 - base;
	if (!(*d & granular))
		return false;
	if (limit < 0xfff)
		return false;
	limit = (limit - 0xfff) >> 12;
	*d = (*d & ~0x000f00000000ffffull) | (limit & 0xffff) | (limit >> 16) << 48;
	return true;
}

bool segment_fault(struct regs *r)
{
	const char *ip = (const char *)r->ip;

	if (ip == load_fs_insn || ip == load_gs_insn)
		r->ip = (ulong)load_failed;
	else if (ip == guest_es)
		guest_regs()->es = 0;
	else if (ip == guest_ds)
		guest_regs()->ds = 0;
	else
		return false;
	return true;
}
