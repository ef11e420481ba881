/* Entry of a PVH guest: 32-bit protected mode, flat segments, no paging, no stack (xen, docs/misc/pvh.pandoc). */

	.section .note.Xen, "a", @note
	.align 4
	.long 4, 4, 18			/* XEN_ELFNOTE_PHYS32_ENTRY: public/elfnote.h */
	.asciz "Xen"
	.long start

	.text
	.globl start
start:
	mov $stack_top, %esp
	push %ebx			/* struct hvm_start_info */
	call ticker

	.bss
	.align 4096
	.globl hypercall_page
hypercall_page:
	.skip 4096
	.globl shared_page
shared_page:
	.skip 4096
	.skip 8192
stack_top:
