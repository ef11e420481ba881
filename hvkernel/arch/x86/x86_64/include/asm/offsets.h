/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KERNEL_GS_BASE points to arch_cpu.syscall_stack; cpu.c asserts what follows it. */
#ifndef HV_ASM_OFFSETS_H
#define HV_ASM_OFFSETS_H

#define CPU_SYSCALL_STACK   0
#define CPU_SYSCALL_SCRATCH 8

#endif
