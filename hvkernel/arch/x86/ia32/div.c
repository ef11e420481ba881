/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 64-bit division, which the compiler calls by these names (the libgcc ABI). */
#include "types.h"

u64 __udivdi3(u64 n, u64 d);
u64 __umoddi3(u64 n, u64 d);
s64 __divdi3(s64 n, s64 d);

/* A divisor of 32 bits, which is nearly every one: two divisions of the CPU's own, whose second has
 * the first one's rest above it. */
static u64 divide_by_word(u64 n, u32 d, u64 *rest)
{
	u32 high = (u32)(n >> 32), low = (u32)n, r = high % d;

	__asm__("divl %2" : "+a"(low), "+d"(r) : "rm"(d) : "cc");
	*rest = r;
	return (u64)(high / d) << 32 | low;
}

static u64 divide(u64 n, u64 d, u64 *rest)
{
	u64 quotient = 0, r = 0;

	if (!(d >> 32))
		return divide_by_word(n, (u32)d, rest);
	for (int i = 63; i >= 0; i--) {
		r = r << 1 | (n >> i & 1);
		if (r >= d) {
			r -= d;
			quotient |= 1ull << i;
		}
	}
	*rest = r;
	return quotient;
}

u64 __udivdi3(u64 n, u64 d)
{
	u64 rest;

	return divide(n, d, &rest);
}

u64 __umoddi3(u64 n, u64 d)
{
	u64 rest;

	divide(n, d, &rest);
	return rest;
}

s64 __divdi3(s64 n, s64 d)
{
	u64 q = __udivdi3(n < 0 ? -(u64)n : (u64)n, d < 0 ? -(u64)d : (u64)d);

	return (n < 0) != (d < 0) ? -(s64)q : (s64)q;
}
