/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercalls by the hypercall page: number in its place, arguments in ebx, ecx, edx, esi, edi. */
#ifndef BASE_HYPERCALL_H
#define BASE_HYPERCALL_H

#include "xen.h"

extern char hypercall_page[];

static inline long hypercall5(unsigned int number, unsigned long a, unsigned long b,
			      unsigned long c, unsigned long d, unsigned long e)
{
	long result;

	__asm__ volatile("call *%[entry]"
			 : "=a"(result), "+b"(a), "+c"(b), "+d"(c), "+S"(d), "+D"(e)
			 : [entry] "0"(hypercall_page + 32 * number)
			 : "memory");
	return result;
}

static inline long hypercall(unsigned int number, unsigned long a, unsigned long b, unsigned long c,
			     unsigned long d)
{
	return hypercall5(number, a, b, c, d, 0);
}

static inline long hc_update_va_mapping(unsigned long va, u64 entry, unsigned long flags)
{
	return hypercall(HC_UPDATE_VA_MAPPING, va, (u32)entry, (u32)(entry >> 32), flags);
}

static inline long hc_set_timer(u64 at)
{
	return hypercall(HC_SET_TIMER_OP, (u32)at, (u32)(at >> 32), 0, 0);
}

#endif
