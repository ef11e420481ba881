/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entry of a 32-bit PAE PV guest, its Xen notes, and the way in and out of traps and events. */

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
	NOTE(1, .long start)				/* ENTRY */
	NOTE(2, .long hypercall_page)			/* HYPERCALL_PAGE */
	NOTE(3, .long 0)				/* VIRT_BASE */
	NOTE(4, .long 0)				/* PADDR_OFFSET */
	NOTE(9, .asciz "yes")				/* PAE_MODE */
	NOTE(17, .long 0x810)				/* SUPPORTED_FEATURES: dom0, pae_pgdir_above_4gb */

	.text
	.globl start
start:
	cld
	mov $stack_top, %esp
	xor %ebp, %ebp
	sub $12, %esp					/* the stack is 16-byte aligned at calls */
	push %esi
	call base_start

/* Xen pushed [error,] eip, cs, eflags and, from ring 3, esp and ss. */
.macro stub name, vector, error=0
	.globl \name
\name:
	.if \error == 0
	push $0
	.endif
	push $\vector
	jmp common
.endm

common:
	push %es
	push %ds
	push %eax
	push %ebp
	push %edi
	push %esi
	push %edx
	push %ecx
	push %ebx
	mov $0xe021, %eax
	mov %eax, %ds
	mov %eax, %es
	cld
	mov %esp, %ebp
	and $-16, %esp
	sub $12, %esp
	push %ebp
	call trap_entered
	mov %ebp, %esp
	pop %ebx
	pop %ecx
	pop %edx
	pop %esi
	pop %edi
	pop %ebp
	pop %eax
	pop %ds
	pop %es
	add $8, %esp
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

/* Xen could not load a segment on the way back to us: ds, es, fs, gs, then as above. */
	.globl failsafe
failsafe:
	add $16, %esp
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
