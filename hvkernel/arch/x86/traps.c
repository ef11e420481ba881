/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What interrupts a guest, or the hypervisor. */
#include "asm/boot.h"
#include "asm/cpu.h"
#include "asm/machphys.h"
#include "asm/pv.h"
#include "console.h"
#include "cpus.h"
#include "event.h"
#include "guest.h"
#include "lib.h"
#include "sched.h"
#include "space.h"
#include "symbols.h"

#define PF_WRITE   2
#define PF_USER    4
#define PF_PRESENT 1

void trap_entry(struct regs *r);
void syscall_from_guest(struct regs *r);

/* The timer and kicks are only noted, before there is the lock: who sleeps on his way to it has to
 * hear the next one, so the APIC must not have one in service (cpu_doze()). */
static bool noted(unsigned int vector)
{
	if (vector != VECTOR_TIMER && vector != VECTOR_KICK)
		return false;
	apic_eoi();
	if (vector == VECTOR_TIMER)
		raise_softirq(SOFTIRQ_TIMER);
	else
		tlb_serve();
	return true;
}

static void interrupt(unsigned int vector)
{
	if (vector >= VECTOR_DEVICES && vector < VECTOR_TIMER)
		irq_arrived(vector);
}

/* Back to a guest: work that waits, then its events, then its own instruction. */
void leave_to_guest(void)
{
	do {
		if (this_cpu()->softirqs)
			do_softirqs();
		if (vcpu_wants_upcall(current))
			inject_event(guest_regs());
	} while (this_cpu()->softirqs);
	unlock(&hv_lock);
}

_Noreturn void resume_current(void)
{
	leave_to_guest();
	resume_frame(guest_regs());
}

bool copy_from_guest(void *to, ulong from, size_t size)
{
	return guest_range(from, size) && !copy_checked(to, (const void *)from, size);
}

bool copy_to_guest(ulong to, const void *from, size_t size)
{
	return guest_range(to, size) && !copy_checked((void *)to, from, size);
}

static _Noreturn void bad_trap(struct regs *r)
{
	ulong offset = 0;
	const char *name = symbol_of((ulong)r->ip, &offset);

	panic("trap %u error %x at %lx (%s+0x%lx), cr2 %lx", r->vector, r->error, (ulong)r->ip,
	      name ? name : "?", offset, read_cr2());
}

/* The guest's frame cannot be loaded: its failsafe callback hears of it. The CPU had the guest's
 * registers again; `r`, which has them now, lies over the place where they were. */
static _Noreturn void bad_frame(const struct regs *r)
{
	struct vcpu *v = current;
	const struct callback *c = &v->arch.failsafe;

	memmove(guest_regs(), r, offsetof(struct regs, error));
	lock(&hv_lock);
	if (c->address)
		bounce(guest_regs(), c->cs, c->address, c->mask_events, WITH_SEGMENTS);
	else
		domain_crash(v->domain,
			     "it cannot be returned to: its segments or address are bad");
	resume_current();
}

/* The few instructions of ours that may fault because of what a guest has given us. */
static void fault_of_ours(struct regs *r)
{
	const char *ip = (const char *)(ulong)r->ip;

	if (ip == copy_insn || ip == copy_insn2)
		r->ip = (ulong)copy_failed;
	else if (ip == guest_iret)
		bad_frame(r);
	else if (!segment_fault(r))
		bad_trap(r);
}

static void hypervisor_trap(struct regs *r)
{
	if (r->vector >= 32) { /* from the idle loop, which holds no lock, or who waits for it */
		if (noted(r->vector))
			return;
		lock(&hv_lock);
		interrupt(r->vector);
		unlock(&hv_lock);
	} else if (r->vector == TRAP_DB) {
		r->flags &= ~(ulong)FLAG_TF;
	} else if (r->vector == TRAP_NMI) {
		printk("NMI\n");
	} else if (r->vector == TRAP_GP || r->vector == TRAP_PF || r->vector == TRAP_NP ||
		   r->vector == TRAP_SS || r->vector == TRAP_TS) {
		fault_of_ours(r);
	} else {
		bad_trap(r);
	}
}

/* `int n` through a gate that the guest may not use itself is the guest's own system call. The
 * instruction says which one: some CPUs' error codes do not (QEMU before 8). */
static bool software_interrupt(struct regs *r)
{
	struct vcpu *v = current;
	unsigned int vector = r->error >> 3, dpl = guest_in_kernel(r) ? 1 : 3;
	u8 code[2];

	if (!(r->error & 2))
		return false;
	if (copy_from_guest(code, (ulong)r->ip, 2) && code[0] == 0xcd)
		vector = code[1];
	if (vector > 255 || !v->arch.traps[vector].address ||
	    (v->arch.traps[vector].flags & 3) < dpl)
		return false;
	r->ip += 2;
	inject_trap(r, vector, -1);
	return true;
}

static void general_protection(struct regs *r)
{
	if (software_interrupt(r))
		return;
	if (!r->error && guest_in_kernel(r) && emulate_privileged(r))
		return;
	inject_trap(r, TRAP_GP, r->error);
}

static void page_fault(struct regs *r)
{
	ulong address = read_cr2();
	u32 error = r->error;

	/* A selector that has no descriptor: the CPU looked into our window. */
	if (address >= WINDOWS && address < WINDOWS + MAX_CPUS * WINDOW_PAGES * PAGE_SIZE) {
		inject_trap(r, TRAP_GP, address & 0xfff8);
		return;
	}
	if ((error & (PF_PRESENT | PF_WRITE)) == (PF_PRESENT | PF_WRITE) && guest_in_kernel(r) &&
	    guest_range(address, 1) && emulate_table_write(r, address))
		return;
	if (sizeof(long) == 8 && guest_in_kernel(r))
		error &= ~(u32)PF_USER;
	inject_page_fault(r, address, error);
}

static void guest_trap(struct regs *r)
{
	switch (r->vector) {
	case TRAP_DB:
		r->flags &= ~(ulong)FLAG_TF;
		inject_trap(r, TRAP_DB, -1);
		break;
	case TRAP_UD:
		if (!emulate_undefined(r))
			inject_trap(r, TRAP_UD, -1);
		break;
	case TRAP_NM:
		fpu_trap(r);
		break;
	case TRAP_GP:
		general_protection(r);
		break;
	case TRAP_PF:
		page_fault(r);
		break;
	case TRAP_TS:
	case TRAP_NP:
	case TRAP_SS:
	case TRAP_AC:
		inject_trap(r, r->vector, r->error);
		break;
	case TRAP_DF:
	case TRAP_MC:
		bad_trap(r);
	default:
		inject_trap(r, r->vector, -1);
	}
}

static void do_hypercall(struct regs *r)
{
	ulong nr = r->ax;
	long result = pv_hypercall(r);

	if (nr != HC_iret)
		r->ax = (ulong)result;
}

void trap_entry(struct regs *r)
{
	if (!(r->cs & 3)) {
		hypervisor_trap(r);
		return;
	}
	if (r->vector == TRAP_NMI)
		return; /* on a stack of its own: the guest's frame is not in its place */
	noted(r->vector);
	lock(&hv_lock);
	if (sizeof(long) == 4 && r->vector == VECTOR_HYPERCALL)
		do_hypercall(r);
	else if (r->vector >= 32)
		interrupt(r->vector);
	else
		guest_trap(r);
	leave_to_guest();
}

/* x86-64: SYSCALL of the guest's kernel is a hypercall; of an application, a call to the kernel. */
void syscall_from_guest(struct regs *r)
{
	struct vcpu *v = current;

	lock(&hv_lock);
	if (v->arch.in_kernel)
		do_hypercall(r);
	else if (r->cs != SEL_KERNEL_CS || !v->arch.syscall.address)
		inject_trap(r, TRAP_UD, -1);
	else
		bounce(r, SEL_KERNEL_CS, v->arch.syscall.address, v->arch.syscall.mask_events, -1);
	leave_to_guest();
}
