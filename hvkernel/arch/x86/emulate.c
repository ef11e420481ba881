/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Privileged instructions of a guest's kernel (Intel SDM vol. 2): what the ABI promises to do for
 * it. Reads of ports give ones, writes are lost; dom0's ports are open to it without us. */
#include "asm/cpu.h"
#include "asm/geometry.h"
#include "asm/pv.h"
#include "cpus.h"
#include "guest.h"
#include "lib.h"
#include "sched.h"
#include "space.h"

struct insn {
	u8 code[15];
	unsigned int at;
	u8 rex;
	bool operand16, rep;
};

static void fetch(struct insn *i, ulong ip)
{
	memset(i, 0, sizeof(*i));
	for (unsigned int n = 0; n < sizeof(i->code); n++)
		if (!copy_from_guest(&i->code[n], ip + n, 1))
			return;
}

static void skip_prefixes(struct insn *i)
{
	for (; i->at < 10; i->at++) {
		u8 c = i->code[i->at];

		if (c == 0x66)
			i->operand16 = true;
		else if (c == 0xf2 || c == 0xf3)
			i->rep = true;
		else if (sizeof(long) == 8 && (c & 0xf0) == 0x40)
			i->rex = c;
		else if (c != 0x2e && c != 0x36 && c != 0x3e && c != 0x26 && c != 0x64 && c != 0x65)
			break;
	}
}

ulong *guest_register(struct regs *r, unsigned int n)
{
#ifdef __i386__
	ulong *const names[] = {(ulong *)&r->ax, (ulong *)&r->cx, (ulong *)&r->dx, (ulong *)&r->bx,
				(ulong *)&r->sp, (ulong *)&r->bp, (ulong *)&r->si, (ulong *)&r->di};
#else
	ulong *const names[] = {&r->ax,  &r->cx,  &r->dx,  &r->bx, &r->sp,  &r->bp,
				&r->si,  &r->di,  &r->r8,  &r->r9, &r->r10, &r->r11,
				&r->r12, &r->r13, &r->r14, &r->r15};
#endif
	return names[n % ARRAY_SIZE(names)];
}

static bool read_cr(unsigned int n, ulong *value)
{
	struct vcpu *v = current;

	switch (n) {
	case 0:
		*value = 0x80050033 | (v->arch.guest_ts ? CR0_TS : 0);
		return true;
	case 2:
		*value = v->info->arch.cr2;
		return true;
	case 3:
		*value = mfn_of(v->arch.root) << PAGE_SHIFT;
		return true;
	case 4:
		*value = (read_cr4() & 0x630) | 0x20; /* PAE, what there is of PSE and SSE */
		return true;
	default:
		return false;
	}
}

static bool write_cr(unsigned int n, ulong value)
{
	struct vcpu *v = current;

	switch (n) {
	case 0:
		v->arch.guest_ts = value & CR0_TS;
		write_cr0(v->arch.guest_ts || !v->arch.fpu_used ? read_cr0() | CR0_TS
								: read_cr0() & ~(ulong)CR0_TS);
		return true;
	case 2:
		v->info->arch.cr2 = value;
		return true;
	case 3:
		return !space_set_root(v, (mfn_t)(value >> PAGE_SHIFT), false);
	case 4:
		return true; /* it is as it is */
	default:
		return false;
	}
}

static bool msr_read(u32 msr, u64 *value)
{
	switch (msr) {
#ifndef __i386__
	case MSR_FS_BASE:
	case MSR_GS_BASE:
		*value = rdmsr(msr);
		return true;
	case MSR_KERNEL_GS_BASE:
		*value = current->arch.gs_base_user;
		return true;
	case MSR_EFER:
		*value = rdmsr(msr);
		return true;
#endif
	case MSR_APIC_BASE:
		*value = 0xfee00000 | (current->id ? 0 : 0x100);
		return true;
	case MSR_PAT:
		*value = 0x0007040600070406ull;
		return true;
	case 0x17:  /* platform id */
	case 0x8b:  /* microcode revision */
	case 0x1a0: /* misc enable */
		*value = 0;
		return true;
	default:
		return false;
	}
}

static bool msr_write(u32 msr, u64 value)
{
	(void)value;
	switch (msr) {
#ifndef __i386__
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
		if ((u64)((s64)(value << 16) >> 16) != value)
			return false;
		if (msr == MSR_KERNEL_GS_BASE)
			current->arch.gs_base_user = value;
		else
			wrmsr(msr, value);
		return true;
#endif
	case MSR_PAT:
	case MSR_APIC_BASE:
	case 0x8b:
		return true;
	default:
		return false;
	}
}

static bool two_bytes(struct regs *r, struct insn *i)
{
	u8 op = i->code[i->at++], modrm;
	unsigned int reg, rm;
	u64 value;

	switch (op) {
	case 0x06: /* CLTS */
		return write_cr(0, 0);
	case 0x08: /* INVD */
	case 0x09: /* WBINVD */
		return true;
	case 0x20: /* MOV from CR */
	case 0x21: /* MOV from DR */
	case 0x22: /* MOV to CR */
	case 0x23: /* MOV to DR */
		modrm = i->code[i->at++];
		reg = (modrm >> 3 & 7) | (i->rex & 4u) << 1;
		rm = (modrm & 7) | (i->rex & 1u) << 3;
		if (op == 0x20)
			return read_cr(reg, guest_register(r, rm));
		if (op == 0x22)
			return write_cr(reg, *guest_register(r, rm));
		if (op == 0x21)
			*guest_register(r, rm) = reg == 6 ? 0xffff0ff0 : reg == 7 ? 0x400 : 0;
		return op == 0x21 || reg != 7 || !(*guest_register(r, rm) & 0xff);
	case 0x30: /* WRMSR */
		return msr_write((u32)r->cx, (u64)(u32)r->dx << 32 | (u32)r->ax);
	case 0x31: /* RDTSC */
	case 0x32: /* RDMSR */
		value = rdtsc();
		if (op == 0x32 && !msr_read((u32)r->cx, &value))
			return false;
		r->ax = (u32)value;
		r->dx = (u32)(value >> 32);
		return true;
	default:
		return false;
	}
}

static void read_ones(struct regs *r, unsigned int size)
{
	if (size == 4)
		r->ax = 0xffffffff;
	else
		r->ax |= size == 2 ? 0xffff : 0xff;
}

bool emulate_privileged(struct regs *r)
{
	struct insn i;
	unsigned int size;
	u8 op;

	fetch(&i, (ulong)r->ip);
	skip_prefixes(&i);
	op = i.code[i.at++];
	size = !(op & 1) ? 1 : i.operand16 ? 2 : 4;
	switch (op) {
	case 0x0f:
		if (!two_bytes(r, &i))
			return false;
		break;
	case 0xe4: /* IN, OUT with the port in the instruction */
	case 0xe5:
	case 0xe6:
	case 0xe7:
		i.at++;
		if (op < 0xe6)
			read_ones(r, size);
		break;
	case 0xec: /* IN, OUT with the port in dx */
	case 0xed:
		read_ones(r, size);
		break;
	case 0xee:
	case 0xef:
		break;
	case 0xf4: /* HLT */
		current->info->upcall_mask = 0;
		if (!current->info->upcall_pending)
			vcpu_set_state(current, VCPU_BLOCKED);
		break;
	case 0xfa: /* CLI and STI have no effect on anything: events are masked in vcpu_info */
	case 0xfb:
		break;
	default:
		return false;
	}
	r->ip += i.at;
	return true;
}

/* ud2, "xen", then the instruction (public/arch-x86/xen.h, XEN_EMULATE_PREFIX): only CPUID. */
static bool is_prefixed_cpuid(struct regs *r)
{
	static const u8 prefixed_cpuid[] = {0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2};
	u8 code[sizeof(prefixed_cpuid)];
	u32 out[4];

	if (!copy_from_guest(code, (ulong)r->ip, sizeof(code)) ||
	    memcmp(code, prefixed_cpuid, sizeof(code)))
		return false;
	guest_cpuid((u32)r->ax, (u32)r->cx, out);
	r->ax = out[0];
	r->bx = out[1];
	r->cx = out[2];
	r->dx = out[3];
	r->ip += sizeof(code);
	return true;
}

/* LFENCE, MFENCE, SFENCE on a CPU from before SSE and SSE2, where order is kept without them:
 * Debian's GRUB for PAE guests has them, and runs on a Pentium II all the same. */
static bool is_fence(struct regs *r)
{
	u8 code[3];

	if (!copy_from_guest(code, (ulong)r->ip, sizeof(code)) || code[0] != 0x0f ||
	    code[1] != 0xae || code[2] < 0xe8)
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	r->ip += sizeof(code);
	return true;
}

bool emulate_undefined(struct regs *r)
{
	return is_prefixed_cpuid(r) || is_fence(r);
}
