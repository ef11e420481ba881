/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a CPU has of its own, and the instructions that C has no words for. */
#ifndef HV_ASM_CPU_H
#define HV_ASM_CPU_H

#include "asm/regs.h"
#include "types.h"

#define CPU_ORDER     2 /* stack block: 16 KiB */
#define CPU_BLOCK     (PAGE_SIZE << CPU_ORDER)
#define MAP_WINDOWS   16 /* frames that map_frame can have open at a time */
#define WINDOW_PAGES  32 /* 16 of GDT, 16 of LDT */
#define TSS_IO_BITMAP 8192

#ifdef __i386__
#define STACK_REGISTER "esp"
#else
#define STACK_REGISTER "rsp"
#endif

struct cpu;

/* The top of a CPU's stack block: first the guest's frame, then this. */
struct stack_top {
	struct cpu *cpu;
	ulong pad[sizeof(long) == 8 ? 1 : 3];
};

struct tss;

struct arch_cpu {
	u8 *stack; /* lowest address of its block */
	u8 apic_id;
	u32 acpi_id;
	u64 *gdt;        /* page 14 of every GDT: the hypervisor's descriptors */
	struct tss *tss; /* with the I/O bitmap behind it */
	unsigned int windows_open;
	ulong syscall_stack, syscall_scratch; /* entry.S */
	u64 *window_entries;                  /* that map this CPU's windows at WINDOWS */
	u8 windows_live;                      /* pages of the guest's GDT that are mapped */
	bool ldt_live;
};

static inline struct stack_top *stack_top(void)
{
	ulong sp;

	__asm__("mov %%" STACK_REGISTER ", %0" : "=r"(sp));
	return (struct stack_top *)(ROUND_DOWN(sp, CPU_BLOCK) + CPU_BLOCK) - 1;
}

static inline struct cpu *this_cpu(void)
{
	return stack_top()->cpu;
}

/* The frame of the guest that runs on this CPU. */
static inline struct regs *guest_regs(void)
{
	return (struct regs *)(void *)((u8 *)stack_top() - REGS_SIZE);
}

#define READ_REGISTER(name)                                                                        \
	static inline ulong read_##name(void)                                                      \
	{                                                                                          \
		ulong value;                                                                       \
                                                                                                   \
		__asm__ volatile("mov %%" #name ", %0" : "=r"(value));                             \
		return value;                                                                      \
	}
#define WRITE_REGISTER(name)                                                                       \
	static inline void write_##name(ulong value)                                               \
	{                                                                                          \
		__asm__ volatile("mov %0, %%" #name : : "r"(value) : "memory");                    \
	}
READ_REGISTER(cr0)
READ_REGISTER(cr2)
READ_REGISTER(cr3)
READ_REGISTER(cr4)
WRITE_REGISTER(cr0)
WRITE_REGISTER(cr3)
WRITE_REGISTER(cr4)

static inline u64 rdmsr(u32 msr)
{
	u32 low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (u64)high << 32 | low;
}

static inline void wrmsr(u32 msr, u64 value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static inline u64 rdtsc(void)
{
	u32 low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

static inline void cpuid(u32 leaf, u32 sub, u32 out[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
			 : "a"(leaf), "c"(sub));
}

static inline void outb(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outl(u16 port, u32 value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline u32 inl(u16 port)
{
	u32 value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline u8 inb(u16 port)
{
	u8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

#define MSR_APIC_BASE      0x1b
#define MSR_SYSENTER_CS    0x174
#define MSR_PAT            0x277
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_SFMASK         0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define FLAG_CF   0x1u
#define FLAG_TF   0x100u
#define FLAG_IF   0x200u
#define FLAG_DF   0x400u
#define FLAG_IOPL 0x3000u
#define FLAG_NT   0x4000u
#define FLAG_RF   0x10000u
#define FLAG_VM   0x20000u
#define FLAG_AC   0x40000u
#define FLAG_VIF  0x180000u
#define FLAG_ID   0x200000u
/* What a guest may have in its flags: all but IOPL, NT, VM and the virtual interrupt flags. */
#define FLAGS_GUEST (~(ulong)(FLAG_IOPL | FLAG_NT | FLAG_VM | FLAG_VIF))

#define CR0_MP 0x2u
#define CR0_TS 0x8u
#define CR0_WP 0x10000u

enum {
	TRAP_DE,
	TRAP_DB,
	TRAP_NMI,
	TRAP_BP,
	TRAP_OF,
	TRAP_BR,
	TRAP_UD,
	TRAP_NM,
	TRAP_DF,
	TRAP_TS = 10,
	TRAP_NP,
	TRAP_SS,
	TRAP_GP,
	TRAP_PF,
	TRAP_MF = 16,
	TRAP_AC,
	TRAP_MC,
	TRAP_XF
};

/* Vectors of ours. */
#define VECTOR_HYPERCALL 0x82
#define VECTOR_DEVICES   0x40 /* + GSI, up to 0x7f */
#define VECTOR_TIMER     0xf0
#define VECTOR_KICK      0xf1
#define VECTOR_SPURIOUS  0xff
#define VECTOR_SYSCALL   0x100 /* not of the IDT: entered by SYSCALL */

#endif
