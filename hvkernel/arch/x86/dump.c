/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "asm/cpu.h"
#include "asm/pv.h"
#include "console.h"
#include "cpus.h"
#include "lib.h"
#include "symbols.h"

/* Every word on the stack that lies in our code: return addresses, and a few that once were. */
void dump_stack(void)
{
	ulong sp, top = (ulong)stack_top(), offset;
	unsigned int shown = 0;

	__asm__("mov %%" STACK_REGISTER ", %0" : "=r"(sp));
	printk("stack of this CPU:\n");
	for (; sp < top && shown < 24; sp += sizeof(ulong)) {
		ulong word = *(const ulong *)sp;
		const char *name;

		if (!symbol_is_code(word))
			continue;
		name = symbol_of(word, &offset);
		printk("  %p %s+0x%lx\n", (void *)word, name ? name : "?", name ? offset : 0);
		shown++;
	}
}

void arch_dump_vcpu(const void *which)
{
	const struct vcpu *v = which;
	const struct regs *r = v == current ? guest_regs() : &v->arch.regs;

	printk("  d%u v%u ip %lx cs %x flags %lx sp %lx ss %x vector %x error %x cr2 %lx\n",
	       v->domain->id, v->id, (ulong)r->ip, r->cs, (ulong)r->flags, (ulong)r->sp, r->ss,
	       r->vector, r->error, v->info->arch.cr2);
	printk("  ax %lx bx %lx cx %lx dx %lx si %lx di %lx bp %lx\n", (ulong)r->ax, (ulong)r->bx,
	       (ulong)r->cx, (ulong)r->dx, (ulong)r->si, (ulong)r->di, (ulong)r->bp);
}
