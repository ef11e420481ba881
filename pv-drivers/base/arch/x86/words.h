/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words in a row, which microcode does quicker than a loop. Returned is what lies behind them. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include <stddef.h>

#if __SIZEOF_LONG__ == 8
#define WORDS "q"
#else
#define WORDS "l"
#endif

static inline void *copy_words(void *to, const void *from, size_t count)
{
	__asm__ volatile("rep movs" WORDS : "+D"(to), "+S"(from), "+c"(count) : : "memory");
	return to;
}

static inline void *fill_words(void *to, unsigned long word, size_t count)
{
	__asm__ volatile("rep stos" WORDS : "+D"(to), "+c"(count) : "a"(word) : "memory");
	return to;
}

#endif
