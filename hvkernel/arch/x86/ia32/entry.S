/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ways in and out, IA-32. The stack that the TSS names begins right behind eip..ss of the guest's
 * frame (asm/regs.h), so pushing builds the frame in its place; es and ds have their slots behind.
 * A trap in the hypervisor itself has neither ss and esp nor those slots.
 */
#include "asm/regs.h"

	.text
	.code32

	.macro	STUB vector
	.balign 16
	.if	(0x227d00 >> \vector) & 1 && \vector < 32
	.else
	pushl	$0
	.endif
	movw	$\vector, %ss:2(%esp)
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

	.balign 16
trap_common:
	cld
	pushl	%eax
	pushl	%ebp
	pushl	%edi
	pushl	%esi
	pushl	%edx
	pushl	%ecx
	pushl	%ebx
	testb	$3, %ss:REGS_CS(%esp)
	jz	1f
	movw	%ds, %ss:REGS_DS(%esp)
	movw	%es, %ss:REGS_ES(%esp)
1:	movl	$SEL_HV_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%esp, %eax
	xorl	%ebp, %ebp
	pushl	%eax
	call	trap_entry
	addl	$4, %esp
	/* Falls through: back to what was interrupted, guest or hypervisor. */
	.globl	trap_return
trap_return:
	testb	$3, REGS_CS(%esp)
	jz	1f
	.globl	guest_es, guest_ds
guest_es:
	movw	REGS_ES(%esp), %es
guest_ds:
	movw	%ss:REGS_DS(%esp), %ds
1:	popl	%ebx
	popl	%ecx
	popl	%edx
	popl	%esi
	popl	%edi
	popl	%ebp
	popl	%eax
	addl	$4, %esp
	.globl	guest_iret
guest_iret:
	iretl

	/* resume_frame(frame): to the guest with its frame; jump_on(stack, function): never back. */
	.globl	resume_frame, jump_on
resume_frame:
	movl	4(%esp), %esp
	jmp	trap_return
jump_on:
	movl	8(%esp), %eax
	movl	4(%esp), %esp
	xorl	%ebp, %ebp
	call	*%eax
	ud2

	/* copy_checked(to, from, size): bytes not copied. A fault inside comes back at copy_failed
	 * (traps.c knows the labels). */
	.globl	copy_checked, copy_insn, copy_insn2, copy_failed
copy_checked:
	pushl	%edi
	pushl	%esi
	movl	12(%esp), %edi
	movl	16(%esp), %esi
	movl	20(%esp), %edx
	movl	%edx, %ecx
	shrl	$2, %ecx
	andl	$3, %edx
copy_insn:
	rep movsl
	movl	%edx, %ecx
copy_insn2:
	rep movsb
	xorl	%eax, %eax
	popl	%esi
	popl	%edi
	ret
copy_failed:
	movl	$1, %eax
	popl	%esi
	popl	%edi
	ret

	/* load_XX(selector): 1 if the CPU refuses it (the register keeps what it had). */
	.macro	LOADER seg
	.globl	load_\seg, load_\seg\()_insn
load_\seg:
	movl	4(%esp), %eax
load_\seg\()_insn:
	movl	%eax, %\seg
	xorl	%eax, %eax
	ret
	.endm
	LOADER	fs
	LOADER	gs
	.globl	load_failed
load_failed:
	movl	$1, %eax
	ret

	/* A double fault comes by a task gate with a stack of its own (Intel SDM vol. 3, 6.15). */
	.globl	double_fault_task
double_fault_task:
	call	double_fault
	hlt
