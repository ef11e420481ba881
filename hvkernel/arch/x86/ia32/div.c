/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 64-bit division, which the compiler calls by these names (the libgcc ABI). */
#include "types.h"

u64 __udivdi3(u64 n, u64 d);
u64 __umoddi3(u64 n, u64 d);
s64 __divdi3(s64 n, s64 d);

static u64 divide(u64 n, u64 d, u64 *rest)
{
	u64 quotient = 0, r = 0;

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

	if (!(n >> 32) && !(d >> 32))
		return (u32)n / (u32)d;
	return divide(n, d, &rest);
}

u64 __umoddi3(u64 n, u64 d)
{
	u64 rest;

	if (!(n >> 32) && !(d >> 32))
		return (u32)n % (u32)d;
	divide(n, d, &rest);
	return rest;
}

s64 __divdi3(s64 n, s64 d)
{
	u64 q = __udivdi3(n < 0 ? -(u64)n : (u64)n, d < 0 ? -(u64)d : (u64)d);

	return (n < 0) != (d < 0) ? -(s64)q : (s64)q;
}
