/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "asm/cpu.h"
#include "asm/pv.h"
#include "cpus.h"
#include "lib.h"

void inject_trap(struct regs *r, unsigned int vector, s64 error)
{
	struct vcpu *v = current;
	const struct trap_info *t = &v->arch.traps[vector];

	if (!t->address) {
		domain_crash(v->domain, "trap %u, error %lld: it has no handler", vector,
			     (long long)error);
		return;
	}
	bounce(r, t->cs, t->address, t->flags & 4, error);
}

void inject_page_fault(struct regs *r, ulong address, u32 error)
{
	current->info->arch.cr2 = address;
	inject_trap(r, TRAP_PF, error);
}

void inject_event(struct regs *r)
{
	struct vcpu *v = current;

	if (v->arch.event.address)
		bounce(r, v->arch.event.cs, v->arch.event.address, true, -1);
}
