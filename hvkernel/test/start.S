/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The test guest: its Xen notes (public/elfnote.h), its entry, its handlers. */

#ifdef __i386__
#define WORD  .long
#define BASE  0x40000000
#else
#define WORD  .quad
#define BASE  0xffffffff80000000
#endif

	.macro	NOTE type, words:vararg
	.balign 4
	.long	4, 2f - 1f, \type
	.asciz	"Xen"
1:	\words
2:	.balign 4
	.endm

	.section .note.Xen, "a", @note
	NOTE	1, WORD _start
	NOTE	2, WORD hypercall_page
	NOTE	3, WORD BASE
	NOTE	5, .asciz "xen-3.0"
	NOTE	6, .asciz "hvkernel-test"
	NOTE	8, .asciz "generic"
	NOTE	9, .asciz "yes"

	.text
	.globl	_start, hypercall_page
	.balign 4096
hypercall_page:
	.fill	4096, 1, 0

#ifdef __i386__
_start:
	cld
	movl	$stack + 16384, %esp
	pushl	%esi
	call	guest_main
	ud2

	/* Traps: a common frame for the C handler: registers, number, [error], eip... */
	.macro	TRAP name, number, has_error
	.globl	trap_\name
trap_\name:
	.if	!\has_error
	pushl	$0
	.endif
	pushl	$\number
	jmp	trap_common
	.endm
trap_common:
	pusha
	pushl	%esp
	call	guest_trap
	addl	$4, %esp
	popa
	addl	$8, %esp
	jmp	do_iret

	.globl	event_callback, failsafe_callback, syscall_callback
event_callback:
	pushl	$0
	pushl	$256
	jmp	trap_common
failsafe_callback:
	addl	$16, %esp
	pushl	$0
	pushl	$257
	jmp	trap_common
syscall_callback:
	ud2

do_iret:
	pushl	%eax
	movl	$23, %eax
	int	$0x82

	/* enter_user(ip, sp): goes on at guest_trap with number 0x80 or a fault */
	.globl	enter_user, back_from_user
enter_user:
	pusha
	movl	%esp, kernel_esp
	movl	36(%esp), %eax
	movl	40(%esp), %ecx
	pushl	$0xe033
	pushl	%ecx
	pushl	$0x200
	pushl	user_cs
	pushl	%eax
	movl	$0xe033, %eax
	movl	%eax, %ds
	movl	%eax, %es
	jmp	do_iret
back_from_user:
	movl	$0xe021, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	kernel_esp, %esp
	popa
	ret

	/* probe(function, argument): calls it; a fault inside comes back with 0 through probe_failed. */
	.globl	probe, probe_failed
probe:
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	pushl	%ebp
	movl	%esp, probe_stack
	pushl	24(%esp)
	call	*24(%esp)
	addl	$4, %esp
	movl	$1, %eax
	jmp	1f
probe_failed:
	movl	probe_stack, %esp
	xorl	%eax, %eax
1:	popl	%ebp
	popl	%edi
	popl	%esi
	popl	%ebx
	ret

	.globl	user_code
user_code:
	movl	$0x1234, %eax
	int	$0x80
	ud2

	.data
	.globl	user_cs
user_cs:
	.long	0xe02b
kernel_esp:
	.long	0
probe_stack:
	.long	0
	.text
#else
_start:
	cld
	leaq	stack + 16384(%rip), %rsp
	movq	%rsi, %rdi
	call	guest_main
	ud2

	.macro	TRAP name, number, has_error
	.globl	trap_\name
trap_\name:
	popq	%rcx
	popq	%r11
	.if	!\has_error
	pushq	$0
	.endif
	pushq	$\number
	jmp	trap_common
	.endm
	/* rcx and r11 are restored by iret from its own frame */
trap_common:
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	pushq	%rbx
	pushq	%rbp
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, %rdi
	call	guest_trap
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rdi
	popq	%rsi
	popq	%rbp
	popq	%rbx
	popq	%rdx
	popq	%rcx
	popq	%rax
	addq	$16, %rsp
	jmp	do_iret

	.globl	event_callback, failsafe_callback, syscall_callback
event_callback:
	popq	%rcx
	popq	%r11
	pushq	$0
	pushq	$256
	jmp	trap_common
failsafe_callback:
	popq	%rcx
	popq	%r11
	addq	$32, %rsp
	pushq	$0
	pushq	$257
	jmp	trap_common
syscall_callback:
	popq	%rcx
	popq	%r11
	pushq	$0
	pushq	$0x80
	jmp	trap_common

do_iret:
	pushq	$0
	pushq	%rcx
	pushq	%r11
	pushq	%rax
	movl	$23, %eax
	syscall

	.globl	enter_user, back_from_user
enter_user:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, kernel_rsp(%rip)
	pushq	$0xe02b
	pushq	%rsi
	pushq	$0x200
	pushq	user_cs(%rip)
	pushq	%rdi
	jmp	do_iret
back_from_user:
	movq	kernel_rsp(%rip), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	.globl	probe, probe_failed
probe:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, probe_stack(%rip)
	subq	$8, %rsp
	movq	%rdi, %rax
	movq	%rsi, %rdi
	call	*%rax
	addq	$8, %rsp
	movl	$1, %eax
	jmp	1f
probe_failed:
	movq	probe_stack(%rip), %rsp
	xorl	%eax, %eax
1:	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	.globl	user_code
user_code:
	movl	$0x1234, %eax
	syscall
	ud2

	.data
	.globl	user_cs
user_cs:
	.quad	0xe033
kernel_rsp:
	.quad	0
probe_stack:
	.quad	0
	.text
#endif

	.globl	ruin_stack
ruin_stack:
#ifdef __i386__
	movl	$0xf5900000, %esp
#else
	movq	$-0x700000000000, %rsp
#endif
	ud2

	.globl	second_again
second_again:
#ifdef __i386__
	movl	$second_stack + 8188, %esp
#else
	movq	$second_stack + 8184, %rsp
#endif
	jmp	second_main

	TRAP	de, 0, 0
	TRAP	bp, 3, 0
	TRAP	ud, 6, 0
	TRAP	nm, 7, 0
	TRAP	np, 11, 1
	TRAP	ss, 12, 1
	TRAP	gp, 13, 1
	TRAP	pf, 14, 1
	TRAP	sys, 0x80, 0

	.bss
	.balign 4096
stack:
	.skip	16384
