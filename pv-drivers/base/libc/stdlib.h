/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIBC_STDLIB_H
#define LIBC_STDLIB_H

#include <stddef.h>

/* In memory.c. */
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void free(void *block);

/* Base 10, or 16 behind "0x" if `base` is 0 or 16; what is too large becomes the largest. */
unsigned long long strtoull(const char *text, char **end, int base);
unsigned long strtoul(const char *text, char **end, int base);

#endif
