/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LOADER_TEXT_H
#define LOADER_TEXT_H

#include "types.h"

/* In copy.c of each architecture. The compiler may call them by itself. */
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);

static inline size_t text_length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static inline bool text_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

#endif
