/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages and structures are copied and cleared by words: microcode is quicker at that than a loop.
 */
#include "lib.h"

#ifdef __i386__
#define WORDS "l"
#else
#define WORDS "q"
#endif

void *memcpy(void *to, const void *from, size_t size)
{
	size_t words = size / sizeof(long), bytes = size % sizeof(long);
	void *t = to;

	__asm__ volatile("rep movs" WORDS : "+D"(t), "+S"(from), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(t), "+S"(from), "+c"(bytes) : : "memory");
	return to;
}

void *memset(void *to, int value, size_t size)
{
	size_t words = size / sizeof(long), bytes = size % sizeof(long);
	ulong all = (u8)value * (~0ul / 255);
	void *t = to;

	__asm__ volatile("rep stos" WORDS : "+D"(t), "+c"(words) : "a"(all) : "memory");
	__asm__ volatile("rep stosb" : "+D"(t), "+c"(bytes) : "a"(all) : "memory");
	return to;
}
