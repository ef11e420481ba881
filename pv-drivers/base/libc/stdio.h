/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formats: flags - and 0, width, precision of strings, l, ll and z; d i u x c s p and %. */
#ifndef LIBC_STDIO_H
#define LIBC_STDIO_H

#include <stdarg.h>
#include <stddef.h>

#define LIBC_PRINTF(format_at, list_at) __attribute__((format(printf, format_at, list_at)))

/* In console.c; a call writes 511 characters at the most. */
int printf(const char *format, ...) LIBC_PRINTF(1, 2);
int vprintf(const char *format, va_list list) LIBC_PRINTF(1, 0);
int snprintf(char *to, size_t size, const char *format, ...) LIBC_PRINTF(3, 4);
int vsnprintf(char *to, size_t size, const char *format, va_list list) LIBC_PRINTF(3, 0);

#endif
