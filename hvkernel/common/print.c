/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "console.h"
#include "lib.h"

struct out {
	char *at;
	size_t left; /* with the final zero */
	int count;
};

static void put(struct out *o, char c)
{
	o->count++;
	if (o->left > 1) {
		*o->at++ = c;
		o->left--;
	}
}

static void put_number(struct out *o, u64 value, unsigned int base, int width, char fill,
		       bool minus)
{
	char digits[24];
	int n = 0;

	do {
		unsigned int digit = (unsigned int)(value % base);

		digits[n++] = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
		value /= base;
	} while (value);
	if (minus)
		digits[n++] = '-';
	for (; width > n; width--)
		put(o, fill);
	while (n)
		put(o, digits[--n]);
}

static u64 number_argument(va_list *args, int longs, bool is_signed)
{
	if (is_signed)
		return (u64)(longs > 1   ? va_arg(*args, long long)
			     : longs > 0 ? va_arg(*args, long)
					 : va_arg(*args, int));
	return longs > 1   ? va_arg(*args, unsigned long long)
	       : longs > 0 ? va_arg(*args, unsigned long)
			   : va_arg(*args, unsigned int);
}

static void put_string(struct out *o, const char *s, int width)
{
	for (s = s ? s : "(null)"; *s; s++, width--)
		put(o, *s);
	for (; width > 0; width--)
		put(o, ' ');
}

static void put_integer(struct out *o, char kind, u64 value, int width, char fill)
{
	bool minus = kind == 'd' && (s64)value < 0;

	put_number(o, minus ? -value : value, kind == 'x' ? 16 : 10, width, fill, minus);
}

int vprint_to(char *out, size_t size, const char *f, va_list original)
{
	struct out o = {out, size, 0};
	va_list args;

	va_copy(args, original);
	for (; *f; f++) {
		int width = 0, longs = 0;
		char fill = ' ';

		if (*f != '%') {
			put(&o, *f);
			continue;
		}
		if (*++f == '0')
			fill = '0';
		for (; *f >= '0' && *f <= '9'; f++)
			width = width * 10 + *f - '0';
		for (; *f == 'l' || *f == 'z'; f++)
			longs++;
		if (*f == 's')
			put_string(&o, va_arg(args, const char *), width);
		else if (*f == 'c')
			put(&o, (char)va_arg(args, int));
		else if (*f == 'p')
			put_number(&o, (ulong)va_arg(args, void *), 16, 2 * sizeof(ulong), '0',
				   false);
		else if (*f == 'd' || *f == 'u' || *f == 'x')
			put_integer(&o, *f, number_argument(&args, longs, *f == 'd'), width, fill);
		else
			put(&o, *f);
	}
	va_end(args);
	if (size)
		*o.at = 0;
	return o.count;
}

int print_to(char *out, size_t size, const char *format, ...)
{
	va_list args;
	int count;

	va_start(args, format);
	count = vprint_to(out, size, format, args);
	va_end(args);
	return count;
}

void printk(const char *format, ...)
{
	char line[256];
	va_list args;
	int count;

	va_start(args, format);
	count = vprint_to(line, sizeof(line), format, args);
	va_end(args);
	console_write("(HV) ", 5);
	console_write(line, MIN((size_t)count, sizeof(line) - 1));
}

_Noreturn void panic(const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	vprint_to(line, sizeof(line), format, args);
	va_end(args);
	printk("\n");
	printk("hvkernel panic: %s\n", line);
	dump_stack();
	machine_stop(false, 3);
}
