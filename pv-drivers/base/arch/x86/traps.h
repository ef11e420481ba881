/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_TRAPS_H
#define BASE_TRAPS_H

#include "xen.h"

/* Tell Xen where traps and events enter (entry.S). */
void traps_start(void);

/* What `int 0x80` of an application calls; without one it is an error like any other trap. */
extern void (*trap_application_call)(struct regs *regs);
/* What any other trap of an application (a selector of ring 3) calls. */
extern void (*trap_application_fault)(struct regs *regs);

#endif
