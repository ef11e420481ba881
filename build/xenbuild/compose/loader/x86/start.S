/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The three ways in. All of them are 32-bit protected mode, flat segments, paging and interrupts off:
 *   multiboot 1 (spec 0.6.96, 3.1 header, 3.2 machine state), eax = 0x2badb002, ebx = information
 *   multiboot 2 (spec 2.0, 3.1 header, 3.2 machine state),    eax = 0x36d76289, ebx = information
 *   PVH (Xen docs/misc/pvh.pandoc),                           ebx = hvm_start_info
 */
#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x3 /* modules page-aligned, memory map wanted */
#define MB2_MAGIC 0xe85250d6
#define PVH_MAGIC 0x336ec578
#define ELFNOTE_PHYS32_ENTRY 18 /* xen/include/public/elfnote.h */

	.section .multiboot, "ax", @progbits
	.balign 8
	.long MB1_MAGIC
	.long MB1_FLAGS
	.long -(MB1_MAGIC + MB1_FLAGS)

	.balign 8
mb2_header:
	.long MB2_MAGIC
	.long 0 /* i386, protected mode */
	.long mb2_end - mb2_header
	.long -(MB2_MAGIC + 0 + (mb2_end - mb2_header))
	/* information wanted: basic memory, memory map */
	.balign 8
	.short 1, 0
	.long 16, 4, 6
	/* console: text mode will do. Framebuffer: any. Both optional, as Xen's own header asks for. */
	.balign 8
	.short 4, 1
	.long 12, 2
	.balign 8
	.short 5, 1
	.long 20, 0, 0, 0
	/* modules page-aligned */
	.balign 8
	.short 6, 0
	.long 8
	.balign 8
	.short 0, 0
	.long 8
mb2_end:

	.text
	.globl start
start:
	cli
	cld
	movl $stack_top, %esp
	pushl %ebx
	pushl %eax
	call loader_main
hang:
	cli
	hlt
	jmp hang

	.globl pvh_start
pvh_start:
	movl $PVH_MAGIC, %eax
	jmp start

	/* void enter(uint32_t entry, uint32_t info): multiboot 2 as we were entered ourselves */
	.globl enter
enter:
	movl 4(%esp), %ecx
	movl 8(%esp), %ebx
	movl $0x36d76289, %eax
	xorl %ebp, %ebp
	jmp *%ecx

	.section .note.Xen, "a", @note
	.balign 4
	.long 4, 4, ELFNOTE_PHYS32_ENTRY
	.asciz "Xen"
	.long pvh_start

	.bss
	.balign 16
	.skip 16384
stack_top:
