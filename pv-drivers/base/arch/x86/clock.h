/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TSC, and Xen's factors that make nanoseconds of it (struct vcpu_time_info in public/xen.h).
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "types.h"

static inline u64 cycles(void)
{
	u32 low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (u64)high << 32 | low;
}

/* delta * 2^shift * mul / 2^32 */
static inline u64 scale(u64 delta, u32 mul, int shift)
{
	delta = shift < 0 ? delta >> -shift : delta << shift;
	return ((delta & 0xffffffff) * mul >> 32) + (delta >> 32) * mul;
}

#endif
