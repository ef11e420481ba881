/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tables.h"

#include "xen_arch.h"

#include <stdlib.h>

#define ENTRIES    512u
#define ADDRESSES  ((1ull << 48) - 1) /* without the sign */
#define TABLE_TYPE 0x27ull            /* present, writable, user, accessed */
#define PAE_TOP    0x1ull             /* an entry of PAE's top table has no rights */
#define PAGE_TYPE  (PT_LEVELS == 4 ? 0x27ull : 0x23ull)
#define READ_ONLY  (~2ull)

struct table {
	u32 level;
	u64 key; /* of an address: what is above the bits that index the table and those below */
};

struct tables {
	struct table *list;
	u32 count, room;
};

static u64 key_of(u64 va, u32 level)
{
	return level == PT_LEVELS ? 0 : (va & ADDRESSES) >> (PAGE_SHIFT + 9 * level);
}

/* The number of a table; tables->count if it is not there. The last ones are the most asked for. */
static u32 find(const struct tables *tables, u32 level, u64 key)
{
	for (u32 i = tables->count; i-- > 0;)
		if (tables->list[i].level == level && tables->list[i].key == key)
			return i;
	return tables->count;
}

static bool add(struct tables *tables, u32 level, u64 key)
{
	if (find(tables, level, key) < tables->count)
		return true;
	if (tables->count == tables->room) {
		u32 room = tables->room ? 2 * tables->room : 64;
		struct table *list = realloc(tables->list, room * sizeof(*list));

		if (!list)
			return false;
		tables->list = list;
		tables->room = room;
	}
	tables->list[tables->count++] = (struct table){level, key};
	return true;
}

static bool collect(struct tables *tables, const struct range *ranges, u32 range_count)
{
	bool ok = add(tables, PT_LEVELS, 0);

	for (u32 i = 0; i < range_count; i++) {
		u64 end = ranges[i].va + ((u64)ranges[i].count << PAGE_SHIFT) - 1;

		for (u64 at = ranges[i].va >> 21; ok && at <= end >> 21; at++)
			for (u32 level = PT_LEVELS - 1; ok && level; level--)
				ok = add(tables, level, key_of(at << 21, level));
	}
	if (PT_LEVELS == 3)
		ok = ok &&
		     add(tables, 2, 3); /* where Xen's own part lies: the table has to be there */
	return ok;
}

u32 tables_count(const struct range *ranges, u32 range_count)
{
	struct tables tables = {NULL, 0, 0};
	u32 count = collect(&tables, ranges, range_count) ? tables.count : 0;

	free(tables.list);
	return count;
}

static u64 leaf(const struct foreign *foreign, const struct range *ranges, u32 range_count, u64 va,
		pfn_t first, u32 tables)
{
	for (u32 i = 0; i < range_count; i++) {
		u64 offset = (va - (ranges[i].va & ADDRESSES)) >> PAGE_SHIFT;
		pfn_t page = ranges[i].page + (pfn_t)offset;
		u64 entry;

		if (va < (ranges[i].va & ADDRESSES) || offset >= ranges[i].count)
			continue;
		entry = (u64)foreign->frames[page] << PAGE_SHIFT | PAGE_TYPE;
		return page >= first && page < first + tables ? entry & READ_ONLY : entry;
	}
	return 0;
}

bool tables_write(const struct foreign *foreign, const struct range *ranges, u32 range_count,
		  pfn_t first)
{
	struct tables tables = {NULL, 0, 0};
	bool ok = collect(&tables, ranges, range_count);

	for (u32 t = 0; ok && t < tables.count; t++) {
		struct table table = tables.list[t];
		u64 *entries = foreign_map(foreign, first + t);

		ok = entries != NULL;
		for (u32 i = 0; ok && i < ENTRIES; i++) {
			u64 key = table.key << 9 | i;
			u32 below;

			if (table.level == 1) {
				entries[i] = leaf(foreign, ranges, range_count, key << PAGE_SHIFT,
						  first, tables.count);
				continue;
			}
			below = find(&tables, table.level - 1, key);
			entries[i] =
			    below == tables.count
				? 0
				: (u64)foreign->frames[first + below] << PAGE_SHIFT |
				      (PT_LEVELS == 3 && table.level == 3 ? PAE_TOP : TABLE_TYPE);
		}
		if (ok)
			foreign_unmap(entries);
	}
	free(tables.list);
	return ok;
}
