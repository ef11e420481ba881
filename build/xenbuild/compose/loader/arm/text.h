/* Strings and memory; also what the compiler may call by itself (memcpy, memset). */
#ifndef LOADER_ARM_TEXT_H
#define LOADER_ARM_TEXT_H

#include "types.h"

size_t text_length(const char *s);
bool text_equal(const char *a, const char *b);

#ifndef HOSTED
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
#else
#include <string.h>
#endif

#endif
