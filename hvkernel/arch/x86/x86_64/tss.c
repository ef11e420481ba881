/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intel SDM vol. 3: 3.4.5 descriptors, 6.14 gates in 64-bit mode, 8.7 task state. */
#include "asm/boot.h"
#include "asm/cpu.h"
#include "asm/machphys.h"
#include "asm/offsets.h"
#include "asm/tss.h"
#include "cpus.h"
#include "lib.h"

_Static_assert(offsetof(struct arch_cpu, syscall_scratch) -
		       offsetof(struct arch_cpu, syscall_stack) ==
		   CPU_SYSCALL_SCRATCH,
	       "entry.S finds the one by the other");
_Static_assert(sizeof(struct regs) == REGS_SIZE && offsetof(struct regs, es) == REGS_ES, "entry.S");

extern const char syscall_entry[], syscall_entry32[];

void idt_set(struct idt_entry *e, ulong handler, unsigned int dpl, unsigned int ist)
{
	e->low = (u32)SEL_HV_CS << 16 | (handler & 0xffff);
	e->middle = (u32)(handler & 0xffff0000) | 0x8e00 | dpl << 13 | ist;
	e->high = (u32)(handler >> 32);
	e->zero = 0;
}

/* What may come when the stack is not good: on stacks of their own. */
void idt_special(struct idt_entry *idt)
{
	idt[TRAP_NMI].middle |= 1;
	idt[TRAP_DF].middle |= 2;
	idt[TRAP_MC].middle |= 3;
}

void tss_fill(struct cpu *cpu)
{
	struct tss *tss = cpu->arch.tss;

	tss->rsp[0] = cpu->arch.syscall_stack;
	for (unsigned int i = 0; i < 3; i++)
		tss->ist[i] = (ulong)cpu->arch.stack + 2048 + 1024 * i;
	tss->io_bitmap = 0xffff;
}

static void system_descriptor(u64 *at, ulong base, u32 limit, unsigned int type)
{
	at[0] = (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)(0x80 | type) << 40 |
		(u64)(limit >> 16 & 15) << 48 | (u64)(base >> 24 & 0xff) << 56;
	at[1] = base >> 32;
}

void gdt_fill(struct cpu *cpu)
{
	u64 *gdt = cpu->arch.gdt;

	gdt[1] = 0x00af9b000000ffff; /* e008: our code */
	gdt[2] = 0x00cf93000000ffff; /* e010: our data */
	gdt[4] = 0x00cffb000000ffff; /* e023: guests' 32-bit code */
	gdt[5] = 0x00cff3000000ffff; /* e02b: guests' data */
	gdt[6] = 0x00affb000000ffff; /* e033: guests' 64-bit code */
	system_descriptor(&gdt[8], (ulong)cpu->arch.tss, sizeof(struct tss) + TSS_IO_BITMAP, 9);
}

void ldt_load(u64 *gdt, ulong base, ulong entries)
{
	if (entries)
		system_descriptor(&gdt[10], base, (u32)(entries * 8 - 1), 2);
	__asm__ volatile("lldt %w0" : : "r"(entries ? SEL_LDT : 0));
}

void segments_init(void)
{
	__asm__ volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:"
			 :
			 : "i"(SEL_HV_CS)
			 : "rax", "memory");
	__asm__ volatile("mov %0, %%ss; mov %0, %%ds; mov %0, %%es" : : "r"(SEL_HV_DS));
	__asm__ volatile("mov %0, %%fs; mov %0, %%gs" : : "r"(0));
}

void cpu_init_msrs(struct cpu *cpu)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1); /* SYSCALL */
	wrmsr(MSR_STAR, (u64)SEL_USER_CS32 << 48 | (u64)SEL_HV_CS << 32);
	wrmsr(MSR_LSTAR, (ulong)syscall_entry);
	wrmsr(MSR_CSTAR, (ulong)syscall_entry32);
	wrmsr(MSR_SFMASK, FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_AC);
	wrmsr(MSR_KERNEL_GS_BASE, (ulong)&cpu->arch.syscall_stack);
	wrmsr(MSR_SYSENTER_CS, 0); /* #GP */
}
