/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "string.h"

#include "stdlib.h"
#include "words.h"

/* Words where both sides allow it: pages and disk blocks are most of what is copied. */
void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	if (!(((unsigned long)t | (unsigned long)f) % sizeof(long))) {
		t = copy_words(t, f, size / sizeof(long));
		f += t - (unsigned char *)to;
		size %= sizeof(long);
	}
	while (size--)
		*t++ = *f++;
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	if (t <= f || t >= f + size) {
		while (size--)
			*t++ = *f++;
		return to;
	}
	while (size--)
		t[size] = f[size];
	return to;
}

void *memset(void *to, int value, size_t size)
{
	unsigned char *t = to;

	if (!((unsigned long)t % sizeof(long))) {
		t = fill_words(t, (unsigned char)value * (~0ul / 255), size / sizeof(long));
		size %= sizeof(long);
	}
	while (size--)
		*t++ = (unsigned char)value;
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *p = a, *q = b;

	for (; size; size--, p++, q++)
		if (*p != *q)
			return *p < *q ? -1 : 1;
	return 0;
}

void *memchr(const void *where, int value, size_t size)
{
	const unsigned char *p = where;

	for (; size; size--, p++)
		if (*p == (unsigned char)value)
			return (void *)p;
	return NULL;
}

size_t strlen(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

size_t strnlen(const char *text, size_t most)
{
	size_t n = 0;

	while (n < most && text[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t most)
{
	for (; most; most--, a++, b++)
		if (*a != *b || !*a)
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

char *strchr(const char *text, int c)
{
	for (;; text++) {
		if (*text == (char)c)
			return (char *)text;
		if (!*text)
			return NULL;
	}
}

char *strrchr(const char *text, int c)
{
	const char *found = NULL;

	for (;; text++) {
		if (*text == (char)c)
			found = text;
		if (!*text)
			return (char *)found;
	}
}

char *strstr(const char *text, const char *what)
{
	size_t length = strlen(what);

	for (; *text || !length; text++)
		if (!strncmp(text, what, length))
			return (char *)text;
	return NULL;
}

size_t strcspn(const char *text, const char *any)
{
	size_t n = 0;

	while (text[n] && !strchr(any, text[n]))
		n++;
	return n;
}

size_t strspn(const char *text, const char *any)
{
	size_t n = 0;

	while (text[n] && strchr(any, text[n]))
		n++;
	return n;
}

char *strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *made = malloc(size);

	return made ? memcpy(made, text, size) : NULL;
}

static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'z' ? (unsigned int)(c - 'a') + 10 : 99;
}

unsigned long long strtoull(const char *text, char **end, int base)
{
	unsigned long long value = 0;
	const char *at = text;
	unsigned int digit;

	if ((base == 0 || base == 16) && at[0] == '0' && (at[1] | 0x20) == 'x' &&
	    digit_of(at[2]) < 16) {
		at += 2;
		base = 16;
	}
	base = base ? base : 10;
	for (; (digit = digit_of(*at)) < (unsigned int)base; at++)
		if (__builtin_mul_overflow(value, (unsigned int)base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			value = ~0ull;
	if (end)
		*end = (char *)at;
	return value;
}

unsigned long strtoul(const char *text, char **end, int base)
{
	unsigned long long value = strtoull(text, end, base);

	return value > ~0ul ? ~0ul : (unsigned long)value;
}
