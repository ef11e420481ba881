/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ways in and out, x86-64. The CPU's stack (TSS, or the one that SYSCALL takes) begins right behind
 * rip..ss of the guest's frame (asm/regs.h), so pushing builds the frame in its place.
 *
 * While a guest runs, KERNEL_GS_BASE holds this CPU's struct cpu: only the SYSCALL entry, which
 * brings no stack, swaps twice. GS_BASE is the guest's own at all times.
 */
#include "asm/offsets.h"
#include "asm/regs.h"

	.text
	.code64

	.macro	STUB vector
	.balign 16
	.if	(0x227d00 >> \vector) & 1 && \vector < 32
	.else
	pushq	$0
	.endif
	movl	$\vector, 4(%rsp)
	jmp	trap_common
	.endm

	/* 256 stubs of 16 bytes; 8, 10 to 14, 17 and 21 come with an error code. */
	.globl	trap_stubs
	.balign 16
trap_stubs:
	.set	vector, 0
	.rept	256
	STUB	vector
	.set	vector, vector + 1
	.endr

	.macro	PUSH_REGS
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	.endm

trap_common:
	cld
	PUSH_REGS
	movq	%rsp, %rdi
	xorl	%ebp, %ebp
	call	trap_entry
	/* Falls through: back to what was interrupted, guest or hypervisor. */
	.globl	trap_return
trap_return:
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	addq	$8, %rsp
	.globl	guest_iret
guest_iret:
	iretq

	/* SYSCALL (Intel SDM vol. 2): rcx = rip, r11 = rflags, nothing saved, flags masked by SFMASK. */
	.globl	syscall_entry, syscall_entry32
	.balign 16
syscall_entry:
	swapgs
	movq	%rsp, %gs:CPU_SYSCALL_SCRATCH
	movq	%gs:CPU_SYSCALL_STACK, %rsp
	pushq	$SEL_USER_SS
	pushq	%gs:CPU_SYSCALL_SCRATCH
	swapgs
	pushq	%r11
	pushq	$SEL_USER_CS
	jmp	1f
	.balign 16
syscall_entry32:
	swapgs
	movq	%rsp, %gs:CPU_SYSCALL_SCRATCH
	movq	%gs:CPU_SYSCALL_STACK, %rsp
	pushq	$SEL_USER_SS
	pushq	%gs:CPU_SYSCALL_SCRATCH
	swapgs
	pushq	%r11
	pushq	$SEL_USER_CS32
1:	pushq	%rcx
	pushq	$0
	movl	$0x100, 4(%rsp) /* VECTOR_SYSCALL */
	PUSH_REGS
	movq	%rsp, %rdi
	xorl	%ebp, %ebp
	call	syscall_from_guest
	jmp	trap_return

	/* resume_frame(frame): to the guest with its frame; jump_on(stack, function): never back. */
	.globl	resume_frame, jump_on
resume_frame:
	movq	%rdi, %rsp
	jmp	trap_return
jump_on:
	movq	%rdi, %rsp
	xorl	%ebp, %ebp
	call	*%rsi
	ud2

	/* copy_checked(to, from, size): bytes not copied. A fault inside comes back at copy_failed
	 * (traps.c knows the labels). */
	.globl	copy_checked, copy_insn, copy_insn2, copy_failed
copy_checked:
	movq	%rdx, %rcx
	shrq	$3, %rcx
	andl	$7, %edx
copy_insn:
	rep movsq
	movl	%edx, %ecx
copy_insn2:
	rep movsb
	xorl	%eax, %eax
	ret
copy_failed:
	movl	$1, %eax
	ret

	/* load_XX(selector): 1 if the CPU refuses it (the register keeps what it had). */
	.macro	LOADER seg
	.globl	load_\seg, load_\seg\()_insn
load_\seg:
load_\seg\()_insn:
	movl	%edi, %\seg
	xorl	%eax, %eax
	ret
	.endm
	LOADER	ds
	LOADER	es
	LOADER	fs
	LOADER	gs
	.globl	load_failed
load_failed:
	movl	$1, %eax
	ret
