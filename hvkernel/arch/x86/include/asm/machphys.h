/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The direct map, and the machine-to-physical table that all guests can read. */
#ifndef HV_ASM_MACHPHYS_H
#define HV_ASM_MACHPHYS_H

#include "asm/layout.h"
#include "types.h"

#ifdef __i386__
#define MACHPHYS_GUEST_END GUEST_SEG_END
#else
#define MACHPHYS_GUEST_END 0xffff804000000000
#endif

static inline void *direct_address(mfn_t mfn)
{
	return (void *)(DIRECT_BASE + (mfn << PAGE_SHIFT));
}

static inline mfn_t direct_frame(const void *address)
{
	return ((ulong)address - DIRECT_BASE) >> PAGE_SHIFT;
}

static inline ulong direct_phys(const void *address)
{
	return (ulong)address - DIRECT_BASE;
}

static inline void machphys_set(mfn_t mfn, ulong gpfn)
{
	((ulong *)MACHPHYS_HV)[mfn] = gpfn;
}

#endif
