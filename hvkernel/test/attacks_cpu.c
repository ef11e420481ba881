/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks: privileged instructions, ports, MSRs, ways into and out of the hypervisor. */
#include "suite.h"
#include "asm/pte.h"
#include "errno.h"
#include "lib.h"

#ifdef __i386__
#define SP   "esp"
#define LRET "lretl"
#else
#define SP   "rsp"
#define LRET "lretq"
#endif
#define LSTAR    0xc0000082u
#define EFER     0xc0000080u
#define SYSENTER 0x176u
#define HV_CS    0xe008
#define HV_DS    0xe010
#define TSS      (LEVELS == 3 ? 0xe038 : 0xe040)

static ulong read_msr(u32 msr)
{
	u32 low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return low;
}

static void write_msr(u32 msr, u32 low)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"(low), "d"(0));
}

static u32 port_in(u16 port)
{
	u32 value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "d"(port));
	return value;
}

static void port_out(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "d"(port));
}

FAULTS(rdmsr_system_call)
{
	return (long)read_msr(LSTAR);
}

FAULTS(wrmsr_system_call)
{
	write_msr(LSTAR, 0);
	return 0;
}

FAULTS(wrmsr_sysenter)
{
	write_msr(SYSENTER, 0);
	return 0;
}

FAULTS(wrmsr_efer)
{
	write_msr(EFER, 0);
	return 0;
}

FAULTS(lidt)
{
	static const struct {
		u16 limit;
		ulong base;
	} __attribute__((packed)) none;

	__asm__ volatile("lidt %0" : : "m"(none));
	return 0;
}

FAULTS(lgdt)
{
	static const struct {
		u16 limit;
		ulong base;
	} __attribute__((packed)) none;

	__asm__ volatile("lgdt %0" : : "m"(none));
	return 0;
}

FAULTS(lldt)
{
	__asm__ volatile("lldt %w0" : : "r"(HV_DS));
	return 0;
}

FAULTS(ltr)
{
	__asm__ volatile("ltr %w0" : : "r"(TSS));
	return 0;
}

FAULTS(cr3_of_memory)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(frame_of(page_alloc()) << PAGE_SHIFT));
	return 0;
}

FAULTS(cr3_of_neighbour)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(bench.neighbour_root << PAGE_SHIFT));
	return 0;
}

FAULTS(cr8)
{
#ifdef __i386__
	__asm__ volatile(".byte 0x0f, 0x22, 0xe8"); /* mov %eax, %cr5 */
#else
	__asm__ volatile("mov %0, %%cr8" : : "r"(15ul));
#endif
	return 0;
}

/* Paging, protection and write protection stay on, whatever is written. */
HOLDS(cr0_cleared)
{
	ulong cr0;

	__asm__ volatile("mov %1, %%cr0; mov %%cr0, %0; clts" : "=r"(cr0) : "r"(0ul));
	return (cr0 & 0x80010001) == 0x80010001 ? (long)probe(write_at, MACHPHYS) : -1;
}

HOLDS(cr4_cleared)
{
	ulong cr4;

	__asm__ volatile("mov %1, %%cr4; mov %%cr4, %0" : "=r"(cr4) : "r"(0ul));
	return cr4 & 0x20 ? 0 : -1;
}

FAULTS(breakpoint_in_dr7)
{
	__asm__ volatile("mov %0, %%dr7" : : "r"(0x2aaul));
	return 0;
}

REFUSED(breakpoint_by_hypercall, EPERM)
{
	CALL2(set_debugreg, 0, HV_INSIDE);
	return CALL2(set_debugreg, 7, 0x2aa);
}

FAULTS(invlpg)
{
	__asm__ volatile("invlpg (%0)" : : "r"(HV_INSIDE));
	return 0;
}

FAULTS(rdpmc)
{
	__asm__ volatile("rdpmc" : : "c"(0) : "eax", "edx");
	return 0;
}

/* A port that is not open reads as ones. dom0's PIC, PIT and COM1 are the hypervisor's, too. */
HOLDS(port_of_console)
{
	port_out(0x3f8 + 1, 0xf);
	return port_in(0x3f8) == ~0u ? 0 : -1;
}

HOLDS(port_of_pic)
{
	port_out(0x21, 0xff);
	port_out(0xa1, 0xff);
	return port_in(0x20) == ~0u ? 0 : -1;
}

HOLDS(port_of_pit)
{
	port_out(0x43, 0x30);
	return port_in(0x40) == ~0u ? 0 : -1;
}

HOLDS_FOR_DOMU(port_of_reset)
{
	port_out(0x64, 0xfe);
	port_out(0xcf9, 6);
	port_out(0xf4, 77); /* QEMU would exit */
	return port_in(0xcf8) == ~0u ? 0 : -1;
}

HOLDS_FOR_DOMU(port_of_pci)
{
	__asm__ volatile("outl %0, %w1" : : "a"(0x80000000u), "d"(0xcf8));
	return port_in(0xcfc) == ~0u ? 0 : -1;
}

/* The string forms are not emulated. */
FAULTS(port_by_string)
{
	void *at = page_alloc();

	__asm__ volatile("outsb" : "+S"(at) : "d"(0x3f8));
	return 0;
}

HOLDS(iopl_by_hypercall)
{
	u32 iopl = 3;

	CALL2(physdev_op, 6, &iopl);
	return port_in(0x3f8) == ~0u ? 0 : -1;
}

HOLDS(iopl_by_popf)
{
	ulong flags;

	__asm__ volatile("push %1; popf; pushf; pop %0" : "=r"(flags) : "r"(0x3202ul) : "cc");
	return flags & 0x3000 ? -1 : port_in(0x3f8) == ~0u ? 0 : -2;
}

/* With interrupts off, as it believes, for three turns of the scheduler. */
HOLDS(cli_and_spin)
{
	u64 until = system_time() + 30000000;

	__asm__ volatile("cli; pushf; andb $0xfd, 1(%%" SP "); popf" : : : "cc", "memory");
	while (system_time() < until)
		;
	return 0;
}

HOLDS(cache_flushed_over_and_over)
{
	for (unsigned int i = 0; i < 100; i++)
		__asm__ volatile("wbinvd" : : : "memory");
	return 0;
}

FAULTS(int_without_gate)
{
	__asm__ volatile("int $0x90");
	return 0;
}

FAULTS(int_of_device)
{
	__asm__ volatile("int $0x41");
	return 0;
}

FAULTS(int_of_timer)
{
	__asm__ volatile("int $0xf0");
	return 0;
}

FAULTS(int_of_double_fault)
{
	__asm__ volatile("int $8");
	return 0;
}

static void int82(ulong number)
{
	__asm__ volatile("int $0x82" : "+a"(number) : : "memory", "cc");
	(void)number;
}

/* IA-32's way into the hypervisor; on x86-64 there is none by that number. */
HOLDS(int82_storm)
{
	for (unsigned int i = 0; i < 20000; i++) {
		ulong number = i % 64 < 37 ? 37 : i % 64;
		ulong went = probe(int82, number | (i & 1 ? 0x80000000 : 0));

		if (went != (LEVELS == 3))
			return -1;
	}
	return 0;
}

FAULTS(jump_into_hypervisor)
{
	((void (*)(void))HV_INSIDE)();
	return 0;
}

FAULTS(far_call_to_task)
{
	static const struct {
		u32 offset;
		u16 selector;
	} __attribute__((packed)) task = {0, TSS};

	__asm__ volatile("lcall *%0" : : "m"(task) : "memory");
	return 0;
}

FAULTS(far_call_to_hypervisor)
{
	static const struct {
		u32 offset;
		u16 selector;
	} __attribute__((packed)) code = {(u32)HV_INSIDE, HV_CS};

	__asm__ volatile("lcall *%0" : : "m"(code) : "memory");
	return 0;
}

FAULTS(far_return_to_ring0)
{
	__asm__ volatile("push %0; push %1; " LRET
			 :
			 : "r"((ulong)HV_CS), "r"(HV_INSIDE)
			 : "memory");
	return 0;
}

static void load_gs_selector(ulong selector)
{
	__asm__ volatile("mov %w0, %%gs" : : "r"(selector));
}

FAULTS(selector_without_table)
{
	load_gs_selector(0x1008);
	return 0;
}

FAULTS(selector_of_hypervisor_code)
{
	load_gs_selector(HV_CS);
	return 0;
}

FAULTS(selector_of_hypervisor_data)
{
	load_gs_selector(HV_DS);
	return 0;
}

FAULTS(selector_of_task)
{
	load_gs_selector(TSS);
	return 0;
}

FAULTS(stack_selector_of_hypervisor)
{
	__asm__ volatile("mov %w0, %%ss" : : "r"(HV_DS));
	return 0;
}

/* Whoever ran here before has left nothing in the registers. */
HOLDS_FOR_DOMU(registers_of_neighbour)
{
	return secret_is_seen();
}
