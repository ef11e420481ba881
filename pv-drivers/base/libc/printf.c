/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stdio.h"

#include "string.h"

#include <stdbool.h>
#include <stdint.h>

struct sink {
	char *to;
	size_t size, length; /* `length` goes on counting behind `size` */
};

struct spec {
	bool left, zero, negative;
	int width, precision, longs;
};

static void put(struct sink *sink, char c)
{
	if (sink->length + 1 < sink->size)
		sink->to[sink->length] = c;
	sink->length++;
}

static void fill(struct sink *sink, char c, int count)
{
	while (count-- > 0)
		put(sink, c);
}

static void put_text(struct sink *sink, const struct spec *spec, const char *text, size_t length)
{
	int room = spec->width - (int)length;

	if (!spec->left)
		fill(sink, ' ', room);
	while (length--)
		put(sink, *text++);
	if (spec->left)
		fill(sink, ' ', room);
}

static void put_number(struct sink *sink, const struct spec *spec, uint64_t value,
		       unsigned int base)
{
	char digits[24];
	int count = 0, room;

	do
		digits[count++] = "0123456789abcdef"[value % base];
	while (value /= base);
	room = spec->width - count - spec->negative;
	if (!spec->left && !spec->zero)
		fill(sink, ' ', room);
	if (spec->negative)
		put(sink, '-');
	if (!spec->left && spec->zero)
		fill(sink, '0', room);
	while (count)
		put(sink, digits[--count]);
	if (spec->left)
		fill(sink, ' ', room);
}

static const char *read_number(const char *at, int *value, va_list *list)
{
	if (*at == '*') {
		*value = va_arg(*list, int);
		return at + 1;
	}
	for (*value = 0; *at >= '0' && *at <= '9'; at++)
		*value = *value * 10 + (*at - '0');
	return at;
}

static const char *read_spec(const char *at, struct spec *spec, va_list *list)
{
	*spec = (struct spec){.precision = -1};
	for (; *at == '-' || *at == '0'; at++) {
		if (*at == '-')
			spec->left = true;
		else
			spec->zero = true;
	}
	at = read_number(at, &spec->width, list);
	if (*at == '.')
		at = read_number(at + 1, &spec->precision, list);
	for (; *at == 'l' || *at == 'z'; at++)
		spec->longs++;
	return at;
}

static uint64_t read_unsigned(const struct spec *spec, va_list *list)
{
	if (spec->longs > 1)
		return va_arg(*list, unsigned long long);
	return spec->longs ? va_arg(*list, unsigned long) : va_arg(*list, unsigned int);
}

static int64_t read_signed(const struct spec *spec, va_list *list)
{
	if (spec->longs > 1)
		return va_arg(*list, long long);
	return spec->longs ? va_arg(*list, long) : va_arg(*list, int);
}

static void put_one(struct sink *sink, char kind, struct spec *spec, va_list *list)
{
	const char *text;
	int64_t number;
	char c;

	switch (kind) {
	case 'd':
	case 'i':
		number = read_signed(spec, list);
		spec->negative = number < 0;
		put_number(sink, spec, number < 0 ? -(uint64_t)number : (uint64_t)number, 10);
		break;
	case 'u':
		put_number(sink, spec, read_unsigned(spec, list), 10);
		break;
	case 'x':
		put_number(sink, spec, read_unsigned(spec, list), 16);
		break;
	case 'p':
		put_number(sink, spec, (uintptr_t)va_arg(*list, void *), 16);
		break;
	case 'c':
		c = (char)va_arg(*list, int);
		put_text(sink, spec, &c, 1);
		break;
	case 's':
		text = va_arg(*list, const char *);
		text = text ? text : "(null)";
		put_text(sink, spec, text,
			 spec->precision < 0 ? strlen(text)
					     : strnlen(text, (size_t)spec->precision));
		break;
	default:
		put(sink, kind);
	}
}

int vsnprintf(char *to, size_t size, const char *format, va_list list)
{
	struct sink sink = {to, size, 0};
	struct spec spec;
	va_list copy;

	va_copy(copy, list);
	for (; *format; format++) {
		if (*format != '%') {
			put(&sink, *format);
			continue;
		}
		format = read_spec(format + 1, &spec, &copy);
		if (!*format)
			break;
		put_one(&sink, *format, &spec, &copy);
	}
	va_end(copy);
	if (size)
		to[sink.length < size ? sink.length : size - 1] = 0;
	return (int)sink.length;
}

int snprintf(char *to, size_t size, const char *format, ...)
{
	va_list list;
	int length;

	va_start(list, format);
	length = vsnprintf(to, size, format, list);
	va_end(list);
	return length;
}
