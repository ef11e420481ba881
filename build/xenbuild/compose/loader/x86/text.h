/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef XENBUILD_TEXT_H
#define XENBUILD_TEXT_H

#include "types.h"

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
size_t text_length(const char *s, size_t most);

/* A text being written into a fixed buffer; always terminated, cut when full (`cut` is set then).
 */
struct text {
	char *buffer;
	size_t size, used;
	bool cut;
};

void text_start(struct text *t, char *buffer, size_t size);
void text_add(struct text *t, const char *s);

#endif
