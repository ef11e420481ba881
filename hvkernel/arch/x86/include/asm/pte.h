/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page-table entries: Intel SDM vol. 3, 4.4.2 (PAE) and 4.5 (4-level). Both are 64 bits wide. */
#ifndef HV_ASM_PTE_H
#define HV_ASM_PTE_H

#include "types.h"

#define PTE_P     0x001ull
#define PTE_RW    0x002ull
#define PTE_US    0x004ull
#define PTE_PWT   0x008ull
#define PTE_PCD   0x010ull
#define PTE_A     0x020ull
#define PTE_D     0x040ull
#define PTE_PSE   0x080ull /* in an L1: PAT */
#define PTE_G     0x100ull
#define PTE_AVAIL 0xe00ull
#define PTE_NX    (1ull << 63)
#define PTE_MFN   0x000ffffffffff000ull

/* Aligned as the CPU has them, which u64 is not for C on IA-32. */
typedef u64 __attribute__((aligned(8))) pte_t;

extern u64 pte_nx; /* PTE_NX, or 0 on a CPU that knows no such bit */

static inline mfn_t pte_mfn(u64 e)
{
	return (mfn_t)((e & PTE_MFN) >> PAGE_SHIFT);
}

static inline u64 pte_of(mfn_t mfn, u64 flags)
{
	return (u64)mfn << PAGE_SHIFT | flags;
}

#endif
