/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RINGS_APPLICATION_H
#define RINGS_APPLICATION_H

/* What the application asks the kernel for: the number in eax, an argument in ebx. */
#define CALL_SELECTOR 1
#define CALL_SUM      2
#define CALL_NONE     3

#define APPLICATION_TARGET 0x100000 /* the kernel's own first page */

#ifndef __ASSEMBLER__
/* Give the application its pages and enter it. */
void application_start(void);
#endif

#endif
