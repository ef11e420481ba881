/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the boot loader's 32-bit mode to C in long mode (Intel SDM vol. 3, 10.8.5); the same way for
 * the other CPUs, which come from trampoline.S. */
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
	movl	$PHYS(boot_block) + 0x4000 - 16, %esp
	movl	$PHYS(start64), %edi
	jmp	1f
ap_start32:
	movl	$PHYS(ap_start64), %edi
1:	movl	%cr4, %eax
	orl	$0x6a0, %eax /* PAE, PGE, OSFXSR, OSXMMEXCPT */
	movl	%eax, %cr4
	movl	$PHYS(boot_l4), %eax
	movl	%eax, %cr3
	movl	$0x80000001, %eax
	cpuid
	movl	%edx, %esi
	movl	$0xc0000080, %ecx /* EFER: LME, and NXE where there is NX */
	rdmsr
	orl	$0x100, %eax
	testl	$1 << 20, %esi
	jz	2f
	orl	$0x800, %eax
2:	wrmsr
	movl	$0x80010033, %eax /* PG, WP, NE, ET, MP, PE */
	movl	%eax, %cr0
	lgdt	PHYS(boot_gdt_pointer)
	pushl	$8
	pushl	%edi
	lretl

	.code64
start64:
	movabsq	$1f, %rax
	jmp	*%rax
1:	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs
	movabsq	$boot_block + 0x4000 - 16, %rsp
	pushq	$2
	popfq
	xorl	%ebp, %ebp
	call	hv_start
	hlt

ap_start64:
	movabsq	$1f, %rax
	jmp	*%rax
1:	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs
	movq	ap_stack(%rip), %rsp
	pushq	$2
	popfq
	xorl	%ebp, %ebp
	call	ap_main
	hlt

	.section .data.boot, "aw", @progbits
	.balign 8
boot_gdt:
	.quad	0, 0x00af9a000000ffff, 0x00cf92000000ffff
boot_gdt_pointer:
	.word	. - boot_gdt - 1
	.long	PHYS(boot_gdt), 0
	.globl	boot_magic, boot_info_at, ap_stack
boot_magic:
	.long	0
boot_info_at:
	.long	0
ap_stack:
	.quad	0

	/* Identity and direct map of the first 4 GiB, in pages of 2 MiB. */
	.balign 4096
	.globl	boot_l4, boot_direct_l3, boot_l2
boot_l4:
	.quad	PHYS(boot_direct_l3) + 3
	.fill	261, 8, 0
	.quad	PHYS(boot_direct_l3) + 3
	.fill	249, 8, 0
boot_direct_l3:
	.quad	PHYS(boot_l2) + 3, PHYS(boot_l2) + 0x1003, PHYS(boot_l2) + 0x2003, PHYS(boot_l2) + 0x3003
	.fill	508, 8, 0
boot_l2:
	.set	at, 0
	.rept	2048
	.quad	at + 0x83
	.set	at, at + 0x200000
	.endr
