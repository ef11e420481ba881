/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of hvkernel's asm/machphys.h on the host: machine memory is an array. */
#ifndef HV_ASM_MACHPHYS_H
#define HV_ASM_MACHPHYS_H

#include "types.h"

#define FRAMES 192

extern u8 machine[FRAMES][PAGE_SIZE];

static inline void *direct_address(mfn_t mfn)
{
	return machine[mfn];
}

static inline mfn_t direct_frame(const void *address)
{
	return (mfn_t)((const u8(*)[PAGE_SIZE])address - machine);
}

static inline void machphys_set(mfn_t mfn, ulong gpfn)
{
	(void)mfn;
	(void)gpfn;
}

#endif
