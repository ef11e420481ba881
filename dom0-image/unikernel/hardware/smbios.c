/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SMBIOS as a BIOS has it (DMTF DSP0134 3.7: entry points in 5.2, structures in 6.1, OEM strings in
 * 7.12). The table is read once, at the start. */
#include "smbios.h"

#include "pagetable.h"

#include <stdio.h>
#include <string.h>

#define BIOS        0xf0000
#define BIOS_SIZE   0x10000u
#define MOST        0x40000u /* bytes of a table that are believed */
#define OEM_STRINGS 11
#define END         127

struct table {
	u64 address;
	u32 size;
};

static bool find_table(const u8 *bios, struct table *table)
{
	for (const u8 *at = bios; at < bios + BIOS_SIZE; at += 16) {
		u32 address;
		u16 size;

		if (!memcmp(at, "_SM3_", 5)) {
			memcpy(&table->size, at + 0x0c, 4);
			memcpy(&table->address, at + 0x10, 8);
			return true;
		}
		if (!memcmp(at, "_SM_", 4)) {
			memcpy(&size, at + 0x16, 2);
			memcpy(&address, at + 0x18, 4);
			*table = (struct table){address, size};
			return true;
		}
	}
	return false;
}

/* The string of a structure that begins with `prefix`. `at`: the structure's strings, each ended by
 * a zero byte. */
static const char *string_with(const char *at, const char *end, const char *prefix)
{
	size_t length = strlen(prefix);

	while (at < end && *at) {
		size_t most = (size_t)(end - at), size = strnlen(at, most);

		if (size == most)
			return NULL;
		if (size >= length && !memcmp(at, prefix, length))
			return at + length;
		at += size + 1;
	}
	return NULL;
}

/* Where the structure behind this one begins: two zero bytes end its strings. */
static const char *behind(const char *strings, const char *end)
{
	while (strings + 1 < end && (strings[0] || strings[1]))
		strings++;
	return strings + 2;
}

static bool search(const char *at, const char *end, const char *prefix, char *buffer, size_t size)
{
	while (at + 4 < end) {
		u8 type = (u8)at[0], length = (u8)at[1];
		const char *strings = at + length, *found;

		if (type == END || length < 4 || strings >= end)
			return false;
		found = type == OEM_STRINGS ? string_with(strings, end, prefix) : NULL;
		if (found) {
			snprintf(buffer, size, "%s", found);
			return true;
		}
		at = behind(strings, end);
	}
	return false;
}

bool smbios_oem_string(const char *prefix, char *buffer, size_t size)
{
	u8 *bios = map_device(BIOS, BIOS_SIZE);
	struct table table;
	bool there = bios && find_table(bios, &table), found;
	char *structures;

	if (bios)
		unmap_foreign(bios, BIOS_SIZE / PAGE_SIZE);
	if (!there || !table.size || table.size > MOST)
		return false;
	structures = map_device(table.address, table.size);
	if (!structures)
		return false;
	found = search(structures, structures + table.size, prefix, buffer, size);
	unmap_foreign((void *)((unsigned long)structures & ~(PAGE_SIZE - 1)),
		      pages_for((unsigned long)(table.address & (PAGE_SIZE - 1)) + table.size));
	return found;
}
