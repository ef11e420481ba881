/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entry of a 64-bit PV guest, its Xen notes, and the way in and out of traps and events. */

#define NOTE(type, words...)				\
	.pushsection .note.Xen, "a", @note;		\
	.align 4;					\
	.long 4, 2f - 1f, type;				\
	.asciz "Xen";					\
1:	words;						\
2:	.align 4;					\
	.popsection

	NOTE(6, .asciz "xenbuild")			/* GUEST_OS: public/elfnote.h */
	NOTE(8, .asciz "generic")			/* LOADER */
	NOTE(5, .asciz "xen-3.0")			/* XEN_VERSION */
	NOTE(1, .quad start)				/* ENTRY */
	NOTE(2, .quad hypercall_page)			/* HYPERCALL_PAGE */
	NOTE(3, .quad 0)				/* VIRT_BASE */
	NOTE(4, .quad 0)				/* PADDR_OFFSET */
	NOTE(9, .asciz "yes")				/* PAE_MODE */
	NOTE(17, .long 0x800)				/* SUPPORTED_FEATURES: dom0 */

	.text
	.globl start
start:
	cld
	mov $stack_top, %rsp
	mov %rsi, %rdi
	xor %ebp, %ebp
	call base_start

/* Xen pushed rcx, r11, [error,] rip, cs, rflags, rsp, ss. */
.macro stub name, vector, error=0
	.globl \name
\name:
	pop %rcx
	pop %r11
	.if \error == 0
	push $0
	.endif
	push $\vector
	jmp common
.endm

common:
	push %rdi
	push %rsi
	push %rdx
	push %rcx
	push %rax
	push %r8
	push %r9
	push %r10
	push %r11
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	cld
	mov %rsp, %rdi
	mov %rsp, %rbp
	and $-16, %rsp
	call trap_entered
	mov %rbp, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rax
	pop %rcx
	pop %rdx
	pop %rsi
	pop %rdi
	add $8, %rsp
	movq $0, (%rsp)					/* struct iret_context: flags */
	jmp hypercall_page + 32 * 23

	stub trap_divide, 0
	stub trap_debug, 1
	stub trap_breakpoint, 3
	stub trap_overflow, 4
	stub trap_bounds, 5
	stub trap_opcode, 6
	stub trap_no_fpu, 7
	stub trap_tss, 10, 1
	stub trap_segment, 11, 1
	stub trap_stack, 12, 1
	stub trap_protection, 13, 1
	stub trap_page, 14, 1
	stub trap_fpu, 16
	stub trap_alignment, 17, 1
	stub trap_simd, 19
	stub trap_application, 0x80
	stub event_upcall, 0x100

/* Xen could not load a segment on the way back to us: rcx, r11, ds, es, fs, gs, then as above. */
	.globl failsafe
failsafe:
	add $48, %rsp
	push $0
	push $0x101
	jmp common

	.bss
	.balign 4096
	.globl hypercall_page
hypercall_page:
	.skip 4096
	.globl shared_page
shared_page:
	.skip 4096
	.globl stack_bottom
stack_bottom:
	.skip 32768
stack_top:
