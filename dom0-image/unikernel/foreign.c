/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "foreign.h"

#include "pagetable.h"

#include <string.h>

#define BATCH 32u /* pages that are mapped at a time */

void *foreign_map(const struct foreign *foreign, pfn_t page)
{
	if (page >= foreign->pages)
		return NULL;
	return map_foreign(&foreign->frames[page], 1, foreign->dom, PTE_KERNEL);
}

void foreign_unmap(void *va)
{
	unmap_foreign(va, 1);
}

enum direction { WRITE, READ };

static bool transfer(const struct foreign *foreign, u64 at, char *data, u64 size,
		     enum direction way)
{
	while (size) {
		pfn_t page = (pfn_t)(at >> PAGE_SHIFT);
		u64 offset = at & (PAGE_SIZE - 1), room;
		unsigned long count = pages_for((
		    unsigned long)(offset + (size < BATCH * PAGE_SIZE ? size : BATCH * PAGE_SIZE)));
		char *va;

		count = count < BATCH ? count : BATCH;
		if (page >= foreign->pages || count > foreign->pages - page)
			return false;
		va = map_foreign(&foreign->frames[page], count, foreign->dom, PTE_KERNEL);
		if (!va)
			return false;
		room = (u64)count * PAGE_SIZE - offset;
		room = size < room ? size : room;
		if (way == READ)
			memcpy(data, va + offset, (size_t)room);
		else if (data)
			memcpy(va + offset, data, (size_t)room);
		else
			memset(va + offset, 0, (size_t)room);
		unmap_foreign(va, count);
		at += room;
		size -= room;
		if (data)
			data += room;
	}
	return true;
}

bool foreign_write(const struct foreign *foreign, u64 at, const void *data, u64 size)
{
	return transfer(foreign, at, (char *)(uintptr_t)data, size, WRITE);
}

bool foreign_read(const struct foreign *foreign, u64 at, void *data, u64 size)
{
	return transfer(foreign, at, data, size, READ);
}
