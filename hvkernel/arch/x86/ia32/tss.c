/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intel SDM vol. 3: 3.4.5 descriptors, 6.11 gates, 8.2 task state. */
#include "asm/boot.h"
#include "asm/cpu.h"
#include "asm/machphys.h"
#include "asm/pte.h"
#include "asm/tables.h"
#include "asm/tss.h"
#include "cpus.h"
#include "lib.h"

_Static_assert(sizeof(struct regs) == REGS_SIZE && offsetof(struct regs, es) == REGS_ES, "entry.S");

extern const char double_fault_task[];
static struct tss df_tss[MAX_CPUS];

void idt_set(struct idt_entry *e, ulong handler, unsigned int dpl, unsigned int ist)
{
	(void)ist;
	e->low = (u32)SEL_HV_CS << 16 | (handler & 0xffff);
	e->high = (handler & 0xffff0000) | 0x8e00 | dpl << 13;
}

/* Hypercalls come from ring 1; a double fault has a task of its own, since the stack may be bad. */
void idt_special(struct idt_entry *idt)
{
	idt[VECTOR_HYPERCALL].high |= 1 << 13;
	idt[TRAP_DF].low = (u32)SEL_DF_TSS << 16;
	idt[TRAP_DF].high = 0x8500;
}

static u64 system_descriptor(ulong base, u32 limit, unsigned int type)
{
	return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)(0x80 | type) << 40 |
	       (u64)(limit >> 16 & 15) << 48 | (u64)(base >> 24) << 56;
}

void tss_fill(struct cpu *cpu)
{
	struct tss *tss = cpu->arch.tss, *df = &df_tss[cpu->id];

	tss->esp0 = cpu->arch.syscall_stack;
	tss->ss0 = SEL_HV_DS;
	tss->io_bitmap = 0xffff;
	df->cr3 = root_address(hv_root);
	df->eip = (ulong)double_fault_task;
	df->eflags = 2;
	df->sp = (ulong)cpu->arch.stack + 4096;
	df->cs = SEL_HV_CS;
	df->ss = df->ds = df->es = SEL_HV_DS;
	df->io_bitmap = 0xffff;
}

/* Guests' segments end where the hypervisor's own memory begins, behind the table that they may
 * read. */
#define LIMIT (u64)((GUEST_SEG_END - 1) >> 12)
#define SEGMENT(access)                                                                            \
	((LIMIT & 0xffff) | (u64)(access) << 40 | (LIMIT >> 16) << 48 | 0xcull << 52)

void gdt_fill(struct cpu *cpu)
{
	u64 *gdt = cpu->arch.gdt;

	gdt[1] = 0x00cf9b000000ffff; /* e008: our code */
	gdt[2] = 0x00cf93000000ffff; /* e010: our data */
	gdt[3] = SEGMENT(0xbb);      /* e019: guest kernels' code, ring 1 */
	gdt[4] = SEGMENT(0xb3);      /* e021: their data */
	gdt[5] = SEGMENT(0xfb);      /* e02b: applications' code */
	gdt[6] = SEGMENT(0xf3);      /* e033: their data */
	gdt[7] = system_descriptor((ulong)cpu->arch.tss, sizeof(struct tss) + TSS_IO_BITMAP, 9);
	gdt[11] = system_descriptor((ulong)&df_tss[cpu->id], sizeof(struct tss) - 1, 9);
}

void ldt_load(u64 *gdt, ulong base, ulong entries)
{
	if (entries)
		gdt[9] = system_descriptor(base, (u32)(entries * 8 - 1), 2);
	__asm__ volatile("lldt %w0" : : "r"(entries ? SEL_LDT : 0));
}

void segments_init(void)
{
	__asm__ volatile("ljmp %0, $1f; 1:" : : "i"(SEL_HV_CS));
	__asm__ volatile("mov %0, %%ss; mov %0, %%ds; mov %0, %%es" : : "r"(SEL_HV_DS));
	__asm__ volatile("mov %0, %%fs; mov %0, %%gs" : : "r"(0));
}

void cpu_init_msrs(struct cpu *cpu)
{
	u32 id[4];

	(void)cpu;
	cpuid(1, 0, id);
	if (id[3] & 1 << 11)
		wrmsr(MSR_SYSENTER_CS, 0); /* SYSENTER would reach ring 0: #GP */
	if (pte_nx)
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 0x800);
}

_Noreturn void double_fault(void)
{
	struct cpu *cpu = this_cpu();
	const struct tss *t = cpu->arch.tss;

	panic("double fault on cpu %u: eip %x esp %x cs %x ss %x", cpu->id, t->eip, t->sp, t->cs,
	      t->ss);
}
