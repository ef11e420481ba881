/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the boot loader's flat mode to C with PAE paging (Intel SDM vol. 3, 10.9 and 4.4); the same
 * way for the other CPUs, which come from trampoline.S. */
#include "asm/layout.h"

#define PHYS(symbol) ((symbol) - DIRECT_BASE)

#include "asm/headers.S.inc"

	.section .head, "ax", @progbits
	.code32
	.globl	start, start_pvh, ap_start32
start_pvh:
	movl	$0x336ec578, %eax
start:
	cli
	cld
	movl	%eax, PHYS(boot_magic)
	movl	%ebx, PHYS(boot_info_at)
	movl	$start_high, %edi
	jmp	1f
ap_start32:
	movl	$ap_high, %edi
1:	movl	%cr4, %eax
	orl	$0x30, %eax /* PAE, PSE */
	movl	%eax, %cr4
	movl	$PHYS(boot_l3), %eax
	movl	%eax, %cr3
	movl	%cr0, %eax
	andl	$0x9fffffff, %eax /* caches on */
	orl	$0x80010022, %eax /* PG, WP, NE, MP */
	movl	%eax, %cr0
	lgdt	boot_gdt_pointer
	ljmp	$8, $2f - DIRECT_BASE
2:	movl	$16, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	jmp	*%edi

	.text
start_high:
	movl	$boot_block + 0x4000 - 16, %esp
	pushl	$2
	popfl
	xorl	%ebp, %ebp
	call	hv_start
	hlt

ap_high:
	movl	ap_stack, %esp
	pushl	$2
	popfl
	xorl	%ebp, %ebp
	call	ap_main
	hlt

	.section .data.boot, "aw", @progbits
	.balign 8
boot_gdt:
	.quad	0, 0x00cf9a000000ffff, 0x00cf92000000ffff
boot_gdt_pointer:
	.word	. - boot_gdt - 1
	.long	boot_gdt
	.globl	boot_magic, boot_info_at, ap_stack
boot_magic:
	.long	0
boot_info_at:
	.long	0
ap_stack:
	.long	0

	/* Identity and direct map of the first 78 MiB, in pages of 2 MiB. */
	.balign 4096
	.globl	boot_l3, hv_l2
boot_l2:
	.set	at, 0
	.rept	DIRECT_SIZE / 0x200000
	.quad	at + 0x83
	.set	at, at + 0x200000
	.endr
	.fill	512 - DIRECT_SIZE / 0x200000, 8, 0
hv_l2:
	.fill	(DIRECT_BASE - 0xc0000000) / 0x200000, 8, 0
	.set	at, 0
	.rept	DIRECT_SIZE / 0x200000
	.quad	at + 0x83
	.set	at, at + 0x200000
	.endr
	.fill	512 - (DIRECT_BASE - 0xc0000000 + DIRECT_SIZE) / 0x200000, 8, 0
	.balign 32
boot_l3:
	.long	PHYS(boot_l2) + 1, 0, 0, 0, 0, 0, PHYS(hv_l2) + 1, 0
