/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercalls by the hypercall page: number in its place, arguments in rdi, rsi, rdx, r10, r8. */
#ifndef BASE_HYPERCALL_H
#define BASE_HYPERCALL_H

#include "xen.h"

extern char hypercall_page[];

static inline long hypercall5(unsigned int number, unsigned long a, unsigned long b,
			      unsigned long c, unsigned long d, unsigned long e)
{
	register unsigned long r10 __asm__("r10") = d;
	register unsigned long r8 __asm__("r8") = e;
	long result;

	__asm__ volatile("call *%[entry]"
			 : "=a"(result), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8)
			 : [entry] "0"(hypercall_page + 32 * number)
			 : "memory", "rcx", "r11");
	return result;
}

static inline long hypercall(unsigned int number, unsigned long a, unsigned long b, unsigned long c,
			     unsigned long d)
{
	return hypercall5(number, a, b, c, d, 0);
}

static inline long hc_update_va_mapping(unsigned long va, u64 entry, unsigned long flags)
{
	return hypercall(HC_UPDATE_VA_MAPPING, va, entry, flags, 0);
}

static inline long hc_set_timer(u64 at)
{
	return hypercall(HC_SET_TIMER_OP, at, 0, 0, 0);
}

#endif
