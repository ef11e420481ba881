/* SPDX-License-Identifier: GPL-2.0-or-later */
/* String instructions: the hypervisor is copied by these, and any processor does them fast. */
#include "text.h"

void *memcpy(void *to, const void *from, size_t size)
{
	void *d = to;
	size_t words = size / 4, rest = size % 4;

	__asm__ volatile("rep movsl" : "+D"(d), "+S"(from), "+c"(words)::"memory");
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(rest)::"memory");
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	void *d = to;
	size_t words = size / 4, rest = size % 4;

	__asm__ volatile("rep stosl"
			 : "+D"(d), "+c"(words)
			 : "a"((byte & 0xff) * 0x01010101u)
			 : "memory");
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(rest) : "a"(byte) : "memory");
	return to;
}
