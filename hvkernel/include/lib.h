/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HV_LIB_H
#define HV_LIB_H

#include <stdarg.h>

#include "types.h"

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);
/* Copies at most size - 1 characters and always ends the string. */
void strcopy(char *to, const char *from, size_t size);
u64 parse_number(const char *s, const char **end);

/* %s %c %d %u %x %p %%, with l and ll, width and zero padding. */
__attribute__((format(printf, 1, 2))) void printk(const char *format, ...);
__attribute__((format(printf, 3, 4))) int print_to(char *out, size_t size, const char *format, ...);
int vprint_to(char *out, size_t size, const char *format, va_list args);

__attribute__((format(printf, 1, 2))) _Noreturn void panic(const char *format, ...);

#define ASSERT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			panic("%s:%d: %s is not true", __FILE_NAME__, __LINE__, #condition);       \
	} while (0)

static inline bool test_bit(const ulong *words, unsigned int bit)
{
	return words[bit / BITS_PER_LONG] >> (bit % BITS_PER_LONG) & 1;
}

/* Guests look at these words while we change them: every one of these is atomic. */
static inline bool test_and_set_bit(ulong *words, unsigned int bit)
{
	ulong mask = BIT(bit % BITS_PER_LONG);

	return __atomic_fetch_or(&words[bit / BITS_PER_LONG], mask, __ATOMIC_SEQ_CST) & mask;
}

static inline void set_bit(ulong *words, unsigned int bit)
{
	test_and_set_bit(words, bit);
}

static inline void clear_bit(ulong *words, unsigned int bit)
{
	__atomic_fetch_and(&words[bit / BITS_PER_LONG], ~BIT(bit % BITS_PER_LONG),
			   __ATOMIC_SEQ_CST);
}

#endif
