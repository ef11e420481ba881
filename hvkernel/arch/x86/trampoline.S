/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where another CPU begins: real mode, at a page below 1 MiB that this is copied to. */
#include "asm/layout.h"

#define TRAMPOLINE 0x8000
#define HERE(symbol) (TRAMPOLINE + (symbol) - trampoline)

	.section .rodata, "a", @progbits
	.code16
	.globl	trampoline, trampoline_end
	.balign 8
trampoline:
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	lgdtl	HERE(gdt_pointer)
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$8, $HERE(protected)
	.code32
protected:
	movl	$16, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$HERE(temporary_stack), %esp
	movl	$ap_start32 - DIRECT_BASE, %eax
	jmp	*%eax
	.balign 8
gdt:
	.quad	0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_pointer:
	.word	. - gdt - 1
	.long	HERE(gdt)
	.fill	16, 4, 0
temporary_stack:
trampoline_end:
