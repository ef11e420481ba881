/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What differs between the architectures. Everything here runs with the MMU and data cache off. */
#ifndef LOADER_ARCH_H
#define LOADER_ARCH_H

#include "types.h"

/* Linux, Documentation/arch/arm64/booting.rst: the base is at a multiple of 2 MiB. */
#define ARCH_ALIGN 0x200000u
#define ARCH_MODE  "EL2"
#define ARCH_LEVEL 2 /* what entry.S passes when the processor is in EL2 */

/*
 * One step of CRC-32 over a word, if the processor has the instruction (ID_AA64ISAR0_EL1.CRC32;
 * optional in Armv8.0, always there from 8.1).
 */
static inline bool arch_has_crc32(void)
{
	u64 features;

	__asm__("mrs %0, id_aa64isar0_el1" : "=r"(features));
	return (features >> 16) & 0xf;
}

static inline u32 arch_crc32_word(u32 crc, u32 word)
{
	__asm__(".arch_extension crc\n\tcrc32w %w0, %w0, %w1" : "+r"(crc) : "r"(word));
	return crc;
}

static inline void arch_wait(void)
{
	__asm__ volatile("wfi");
}

#endif
