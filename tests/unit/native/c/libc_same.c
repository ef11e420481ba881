/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our few functions of the C library beside the host's; ours are compiled under names with `own_`.
 */
#include "check.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

int own_snprintf(char *to, size_t size, const char *format, ...);
void *own_memcpy(void *to, const void *from, size_t size);
void *own_memmove(void *to, const void *from, size_t size);
void *own_memset(void *to, int value, size_t size);
int own_memcmp(const void *a, const void *b, size_t size);
char *own_strstr(const char *text, const char *what);
unsigned long long own_strtoull(const char *text, char **end, int base);
uint64_t own_udivmoddi4(uint64_t n, uint64_t d, uint64_t *rest);

#define SAME(size, ...)                                                                            \
	do {                                                                                       \
		char a[80], b[80];                                                                 \
		memset(a, 1, sizeof(a));                                                           \
		memset(b, 1, sizeof(b));                                                           \
		CHECK(own_snprintf(a, size, __VA_ARGS__) == snprintf(b, size, __VA_ARGS__));       \
		CHECK(!memcmp(a, b, sizeof(a)));                                                   \
	} while (0)

static void formats(void)
{
	static const int numbers[] = {0, 1, -1, 42, -12345, 2147483647, -2147483647 - 1};

	for (size_t size = 1; size < 40; size += 3)
		for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
			int n = numbers[i];

			SAME(size, "%d|%u|%x", n, (unsigned)n, (unsigned)n);
			SAME(size, "%5d|%-7d|%07d", n, n, n);
			SAME(size, "%s|%8s|%-6s|%.3s|%.*s", "text", "abc", "xy", "longer", 2,
			     "cut");
			SAME(size, "%lu|%llx|%lld|%zu", 5ul, 0x123456789abcdefull, -5ll, (size_t)7);
			SAME(size, "%c%%%02x:%02x", 'c', 5u, 0xabu);
		}
}

static void memory(void)
{
	unsigned char a[300], b[300];

	for (int i = 0; i < 20000; i++) {
		size_t from = pick(100), to = pick(100), size = pick(100);

		for (size_t j = 0; j < sizeof(a); j++)
			a[j] = b[j] = (unsigned char)pick(256);
		CHECK(own_memmove(a + to, a + from, size) == a + to);
		memmove(b + to, b + from, size);
		CHECK(own_memcpy(a + 200, a + from, size) == a + 200);
		memcpy(b + 200, b + from, size);
		own_memset(a + to, (int)size, size);
		memset(b + to, (int)size, size);
		CHECK(!memcmp(a, b, sizeof(a)));
		CHECK((own_memcmp(a + from, a + to, size) > 0) ==
		      (memcmp(a + from, a + to, size) > 0));
	}
}

static void texts(void)
{
	static const char *const numbers[] = {"0", "12x", "0x1F", "0x", "18446744073709551616",
					      "",  "077"};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		char *end_a, *end_b;

		CHECK(own_strtoull(numbers[i], &end_a, 10) == strtoull(numbers[i], &end_b, 10));
		CHECK(end_a == end_b);
	}
	CHECK(own_strtoull("0x1F", NULL, 0) == 31 && own_strtoull("077", NULL, 0) == 77);
	CHECK(!strcmp(own_strstr("abcabd", "abd"), "abd") && !own_strstr("abc", "abd"));
}

static void division(void)
{
	for (int i = 0; i < 200000; i++) {
		uint64_t n = (uint64_t)pick(~0u) << pick(33) ^ pick(~0u);
		uint64_t d = ((uint64_t)pick(~0u) << pick(33) ^ pick(~0u)) >> pick(64), rest;

		if (!d)
			continue;
		CHECK(own_udivmoddi4(n, d, &rest) == n / d && rest == n % d);
	}
}

int main(int argc, char **argv)
{
	seed_from(argc, argv);
	formats();
	memory();
	texts();
	division();
	return 0;
}
