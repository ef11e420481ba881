/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Byte by byte: with the MMU off no other access is sure to be aligned, and little is copied. */
#include "text.h"

void *memcpy(void *to, const void *from, size_t size)
{
	u8 *t = to;
	const u8 *f = from;

	while (size--)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int value, size_t size)
{
	u8 *t = to;

	while (size--)
		*t++ = (u8)value;
	return to;
}
