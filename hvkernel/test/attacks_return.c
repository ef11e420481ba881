/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks: frames to return to, stacks and handlers that are no good. */
#include "suite.h"
#include "lib.h"

#ifdef __i386__
#define SP   "esp"
#define IRET "iretl"
#else
#define SP   "rsp"
#define IRET "iretq"
#endif
#define HV_CS      0xe008
#define HV_DS      0xe010
#define TSS        (LEVELS == 3 ? 0xe038 : 0xe040)
#define IRET_WORDS 9

FAULTS(iret_to_ring0)
{
	__asm__ volatile("push %0; push %1; push %2; push %3; push %4;" IRET
			 :
			 : "r"((ulong)HV_DS), "r"(0ul), "r"(0x202ul), "r"((ulong)HV_CS),
			   "r"(HV_INSIDE)
			 : "memory");
	return 0;
}

/* The way back by hypercall, from a stack that holds `words`. */
static _Noreturn void iret_from(const ulong *words)
{
#ifdef __i386__
	__asm__ volatile("mov %0, %%esp; mov $23, %%eax; int $0x82" : : "r"(words));
#else
	__asm__ volatile("mov %0, %%rsp; mov $23, %%eax; syscall" : : "r"(words));
#endif
	__builtin_unreachable();
}

/* In the order of the frame: IA-32 eax, eip, cs, eflags, esp, ss; x86-64 rax, r11, rcx, flags, rip,
 * cs, rflags, rsp, ss. */
static _Noreturn void iret_with(ulong ip, ulong cs, ulong flags, ulong sp, ulong ss)
{
	static ulong frame[IRET_WORDS];
	ulong *f = frame + (LEVELS == 3 ? 1 : 4);

	f[0] = ip;
	f[1] = cs;
	f[2] = flags;
	f[3] = sp;
	f[4] = ss;
	iret_from(frame);
}

static void nowhere(void)
{
	for (;;)
		*(volatile ulong *)16 = 1;
}

#define OWN_STACK ((ulong)page_alloc() + PAGE_SIZE - 64)

KILLS(iret_from_nowhere)
{
	iret_from((ulong *)16);
}

KILLS(iret_from_hypervisor)
{
	iret_from((ulong *)HV_INSIDE);
}

KILLS(iret_from_end_of_memory)
{
	iret_from((ulong *)~15ul);
}

KILLS(iret_with_hypervisor_cs)
{
	iret_with((ulong)nowhere, HV_CS | (LEVELS == 3 ? 1 : 0), 0x202, OWN_STACK, KERNEL_SS);
}

KILLS(iret_with_null_cs)
{
	iret_with((ulong)nowhere, LEVELS == 3 ? 1 : 4, 0x202, OWN_STACK, KERNEL_SS);
}

KILLS(iret_with_task_as_cs)
{
	iret_with((ulong)nowhere, TSS | (LEVELS == 3 ? 1 : 0), 0x202, OWN_STACK, KERNEL_SS);
}

/* To ring 3, where it matters, with a stack segment of another ring. */
KILLS(iret_with_hypervisor_ss)
{
	iret_with((ulong)nowhere, LEVELS == 3 ? 0xe02b : 0xe030, 0x202, OWN_STACK, HV_DS);
}

KILLS(iret_call_to_ring0)
{
#ifdef __i386__
	iret_with(HV_INSIDE, HV_CS, 0x3202, HV_INSIDE, HV_DS);
#else
	iret_with(HV_INSIDE, HV_CS, 0x3202, HV_INSIDE, 0);
#endif
}

ENDS(iret_to_hypervisor)
{
	iret_with(HV_INSIDE, KERNEL_CS & ~(LEVELS == 4 ? 3ul : 0), 0x202, OWN_STACK, KERNEL_SS);
}

ENDS(iret_to_nowhere)
{
	iret_with(LEVELS == 3 ? 0xffffffff : 0x8000000000000000 >> 8,
		  KERNEL_CS & ~(LEVELS == 4 ? 3ul : 0), 0x202, OWN_STACK, KERNEL_SS);
}

ENDS(iret_to_virtual_8086)
{
	iret_with(0x1000, 0x100, 0x20202, 0x1000, 0x100);
}

ENDS(iret_with_all_flags)
{
	iret_with((ulong)nowhere, KERNEL_CS & ~(LEVELS == 4 ? 3ul : 0), 0xffdfbfffu, OWN_STACK,
		  KERNEL_SS);
}

/* IA-32: a selector of the hypervisor's; x86-64: there are no tables for applications. */
KILLS(iret_to_user)
{
	iret_with((ulong)nowhere, LEVELS == 3 ? HV_CS | 3 : 0xe033, 0x202, OWN_STACK,
		  LEVELS == 3 ? 0xe033 : 0xe02b);
}

KILLS(stack_nowhere)
{
	ruin_stack();
}

/* Every fault finds its handler faulting, until the stack is used up. */
KILLS(faults_without_end)
{
	static const struct trap_info table[] = {{14, 0, KERNEL_CS, 16}, {0, 0, 0, 0}};
	u8 *stack = page_alloc();

	map((ulong)stack, 0);
	stack = page_alloc();
	CALL1(set_trap_table, table);
	__asm__ volatile("mov %0, %%" SP "; jmp *%1" : : "r"(stack + 2048), "r"(16ul));
	return 0;
}

KILLS(fault_without_handler)
{
	CALL1(set_trap_table, 0);
	*(volatile ulong *)16 = 1;
	return 0;
}

/* x86-64 puts the selector right. */
ATTACK(handler_in_ring0, LEVELS == 3 ? KILLS : ENDS, BY_DOMU, 0)
{
	struct trap_info own[2] = {{14, 0, HV_CS, 0}, {0, 0, 0, 0}};

	own[0].address = LEVELS == 3 ? (ulong)nowhere : 8;
	CALL1(set_trap_table, own);
	__asm__ volatile("mov %0, %%" SP "; jmp *%1" : : "r"((u8 *)page_alloc() + 64), "r"(16ul));
	return 0;
}

KILLS(kernel_stack_in_hypervisor)
{
	if (!set_user_root())
		return -1;
	CALL2(stack_switch, KERNEL_SS, HV_INSIDE);
	enter_user((ulong)user_code, OWN_STACK);
	return 0;
}

ENDS(single_step_into_hypercall)
{
	__asm__ volatile("pushf; orb $1, 1(%%" SP "); popf" : : : "cc", "memory");
	CALL2(xen_version, XENVER_version, 0);
	return 0;
}

ENDS(nested_task)
{
	__asm__ volatile("pushf; orb $0x40, 1(%%" SP "); popf" : : : "cc", "memory");
	__asm__ volatile(IRET);
	return 0;
}

ENDS(icebp)
{
	__asm__ volatile(".byte 0xf1");
	return 0;
}
