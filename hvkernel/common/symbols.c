/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib.h"
#include "symbols.h"

/* Of the second link: addresses in order, then the names behind each other in the same order. The
 * first link has an empty table (weak). */
__attribute__((weak)) const u32 symbol_count = 0;
__attribute__((weak)) const ulong symbol_addresses[1] = {0};
__attribute__((weak)) const char symbol_names[1] = "";
extern const char _text[], _etext[];

bool symbol_is_code(ulong address)
{
	return address >= (ulong)_text && address < (ulong)_etext;
}

const char *symbol_of(ulong address, ulong *offset)
{
	const volatile u32 *count = &symbol_count; /* the compiler must not trust the weak one */
	const ulong *volatile addresses = symbol_addresses;
	const char *volatile names = symbol_names;
	const char *name = names;
	u32 found = 0;

	if (!*count || !symbol_is_code(address) || address < addresses[0])
		return NULL;
	while (found + 1 < *count && addresses[found + 1] <= address) {
		name += strlen(name) + 1;
		found++;
	}
	*offset = address - addresses[found];
	return name;
}
