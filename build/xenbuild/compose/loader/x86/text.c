/* SPDX-License-Identifier: GPL-2.0-or-later */
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

size_t text_length(const char *s, size_t most)
{
	size_t n = 0;

	while (n < most && s[n])
		n++;
	return n;
}

void text_start(struct text *t, char *buffer, size_t size)
{
	t->buffer = buffer;
	t->size = size;
	t->used = 0;
	t->cut = false;
	buffer[0] = '\0';
}

void text_add(struct text *t, const char *s)
{
	for (; *s; s++) {
		if (t->used + 1 >= t->size) {
			t->cut = true;
			return;
		}
		t->buffer[t->used++] = *s;
		t->buffer[t->used] = '\0';
	}
}
