/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "archive.h"

#include <string.h>

#define HEADER    110u
#define SIZE_AT   54u /* of the file, in eight hexadecimal digits */
#define LENGTH_AT 94u /* of its name with its zero byte */

static bool hex(const char *text, size_t *value)
{
	*value = 0;
	for (u32 i = 0; i < 8; i++) {
		char c = text[i];
		u32 digit;

		if (c >= '0' && c <= '9')
			digit = (u32)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (u32)((c | 0x20) - 'a') + 10;
		else
			return false;
		*value = *value << 4 | digit;
	}
	return true;
}

static size_t align4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

bool archive_next(char *archive, size_t size, size_t *at, struct file *file)
{
	size_t length, name_end;
	char *header;

	while (*at < size && !archive[*at])
		(*at)++; /* between archives that were put behind each other */
	if (size - *at < HEADER)
		return false;
	header = archive + *at;
	if (memcmp(header, "070701", 6) || !hex(header + SIZE_AT, &file->size) ||
	    !hex(header + LENGTH_AT, &length))
		return false;
	if (!length || length > size - *at - HEADER || header[HEADER + length - 1])
		return false;
	name_end = align4(HEADER + length);
	if (name_end > size - *at || file->size > size - *at - name_end)
		return false;
	file->name = header + HEADER;
	file->data = header + name_end;
	*at += name_end + align4(file->size);
	if (*at > size)
		*at = size;
	return true;
}

bool archive_find(char *archive, size_t size, const char *name, struct file *file)
{
	size_t at = 0;

	while (archive_next(archive, size, &at, file))
		if (!strcmp(file->name, name))
			return true;
	return false;
}
