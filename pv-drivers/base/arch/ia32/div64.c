/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Division of 64 bits, which compilers for IA-32 call by these names (libgcc, "integer library
 * routines"). */
#include "types.h"

u64 __udivmoddi4(u64 n, u64 d, u64 *rest);
u64 __udivdi3(u64 n, u64 d);
u64 __umoddi3(u64 n, u64 d);
s64 __divdi3(s64 n, s64 d);
s64 __moddi3(s64 n, s64 d);

/* `high` is less than `d`: the quotient has 32 bits. */
static u32 divide(u32 high, u32 low, u32 d, u32 *rest)
{
	u32 quotient;

	__asm__("divl %4" : "=a"(quotient), "=d"(*rest) : "0"(low), "1"(high), "rm"(d) : "cc");
	return quotient;
}

u64 __udivmoddi4(u64 n, u64 d, u64 *rest)
{
	u64 quotient = 0;
	u32 r;

	if (!(d >> 32)) {
		u32 high = (u32)(n >> 32) / (u32)d;

		quotient = (u64)high << 32;
		quotient |= divide((u32)(n >> 32) % (u32)d, (u32)n, (u32)d, &r);
		if (rest)
			*rest = r;
		return quotient;
	}
	for (int shift = __builtin_clz((u32)(d >> 32)); shift >= 0; shift--) {
		if (n >> shift >= d) {
			n -= d << shift;
			quotient |= 1ull << shift;
		}
	}
	if (rest)
		*rest = n;
	return quotient;
}

u64 __udivdi3(u64 n, u64 d)
{
	return __udivmoddi4(n, d, NULL);
}

u64 __umoddi3(u64 n, u64 d)
{
	u64 rest;

	__udivmoddi4(n, d, &rest);
	return rest;
}

s64 __divdi3(s64 n, s64 d)
{
	u64 q = __udivdi3(n < 0 ? -(u64)n : (u64)n, d < 0 ? -(u64)d : (u64)d);

	return (n < 0) != (d < 0) ? (s64)-q : (s64)q;
}

s64 __moddi3(s64 n, s64 d)
{
	u64 r = __umoddi3(n < 0 ? -(u64)n : (u64)n, d < 0 ? -(u64)d : (u64)d);

	return n < 0 ? (s64)-r : (s64)r;
}
