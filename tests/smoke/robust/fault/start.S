/* A PVH guest whose first instruction faults, with no table of handlers: the processor gives up, and Xen restarts it. */

	.section .note.Xen, "a", @note
	.align 4
	.long 4, 4, 18			/* XEN_ELFNOTE_PHYS32_ENTRY: public/elfnote.h */
	.asciz "Xen"
	.long start

	.text
	.globl start
start:
	ud2
