/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What differs between the architectures. Everything here runs with the MMU and data cache off. */
#ifndef LOADER_ARCH_H
#define LOADER_ARCH_H

#include "types.h"

#define ARCH_MODE  "HYP mode"
#define ARCH_LEVEL 0x1a    /* CPSR.M in HYP mode */
#define ARCH_ALIGN 0x1000u /* Xen's arm32/head.S: any 4 KiB aligned address */

/* Armv7 has no instruction for CRC-32. */
static inline bool arch_has_crc32(void)
{
	return false;
}

static inline u32 arch_crc32_word(u32 crc, u32 word)
{
	(void)word;
	return crc;
}

static inline void arch_wait(void)
{
	__asm__ volatile("wfi");
}

#endif
