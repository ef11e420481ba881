/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Structures that the CPU reads: descriptors, gates, task states. Each width has its own. */
#ifndef HV_ASM_TSS_H
#define HV_ASM_TSS_H

#include "types.h"

struct cpu;

struct table_pointer {
	u16 limit;
	ulong base;
} __attribute__((packed));

#ifdef __i386__
struct idt_entry {
	u32 low, high;
};

struct tss {
	u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
	u32 ax, cx, dx, bx, sp, bp, si, di, es, cs, ss, ds, fs, gs, ldt;
	u16 trap, io_bitmap;
};
#else
struct idt_entry {
	u32 low, middle, high, zero;
};

struct tss {
	u32 zero0;
	u64 rsp[3];
	u64 zero1;
	u64 ist[7];
	u64 zero2;
	u16 zero3, io_bitmap;
} __attribute__((packed));
#endif

extern bool cpu_has_global_pages, cpu_has_fxsr, cpu_has_sse;
extern unsigned int cpu_address_bits; /* of a physical address */

void idt_set(struct idt_entry *e, ulong handler, unsigned int dpl, unsigned int ist);
void idt_special(struct idt_entry *idt);
void tss_fill(struct cpu *cpu);
void gdt_fill(struct cpu *cpu);
void ldt_load(u64 *gdt, ulong base, ulong entries);
void segments_init(void);
void cpu_init_msrs(struct cpu *cpu);

#endif
