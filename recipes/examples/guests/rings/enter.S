/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The application, and the way from ring 1 to ring 3. */
#include "application.h"

	.text
	.globl application_enter
application_enter:
	mov $0xe033, %eax			/* FLAT_RING3_DS: public/arch-x86/xen-x86_32.h */
	mov %eax, %ds
	mov %eax, %es
	push $0xe033
	push $application_stack
	push $0x202				/* events are taken meanwhile */
	push $0xe02b				/* FLAT_RING3_CS */
	push $application_entry
	jmp hypercall_page + 32 * 23		/* iret */

	.section .user, "awx", @progbits
	.globl application_entry
application_entry:
	mov %cs, %ebx
	mov $CALL_SELECTOR, %eax
	int $0x80
	xor %ebx, %ebx				/* 1 + 2 + ... + 100 */
	mov $100, %ecx
1:	add %ecx, %ebx
	loop 1b
	mov $CALL_SUM, %eax
	int $0x80
	cmp $2525, %eax				/* half of it, as the kernel answers */
	jne 2f
	mov $CALL_NONE, %eax
	int $0x80
2:	movl $0, APPLICATION_TARGET
	jmp 2b
	.balign 16
	.skip 1024
	.globl application_stack
application_stack:

	.bss
	.balign 16
	.skip 8192
	.globl kernel_stack
kernel_stack:
