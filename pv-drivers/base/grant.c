/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "grant.h"

#include "base.h"
#include "hypercall.h"
#include "memory.h"
#include "pagetable.h"
#include "stdlib.h"

#define FRAMES   8u /* of the table; Xen's own limit is 64 */
#define RESERVED 8u /* entries that public/grant_table.h keeps for the domain's builder */

static volatile struct grant_entry *table;
static u32 size, frame_count;
static gref_t *free_refs;
static u32 free_count;

static long grant_op(unsigned int command, void *argument, unsigned long count)
{
	return hypercall(HC_GRANT_TABLE_OP, command, (unsigned long)argument, count, 0);
}

static void free_all(void)
{
	free_count = 0;
	for (gref_t ref = size; ref-- > RESERVED;)
		free_refs[free_count++] = ref;
}

void grants_start(void)
{
	unsigned long frames[FRAMES];
	struct gnttab_setup setup = {.dom = DOMID_SELF, .frames = FRAMES, .list = frames};

	while (grant_op(GNTTAB_SETUP, &setup, 1) || setup.status)
		if (!(setup.frames /= 2))
			panic("no grant table");
	frame_count = setup.frames;
	table = map_foreign(frames, frame_count, DOMID_SELF, PTE_KERNEL);
	size = frame_count * (u32)(PAGE_SIZE / sizeof(struct grant_entry));
	free_refs = malloc(size * sizeof(gref_t));
	if (!table || !free_refs)
		panic("the grant table cannot be mapped");
	free_all();
}

void grants_suspend(void)
{
	unmap_frames((void *)(unsigned long)table, frame_count);
}

void grants_resume(bool same)
{
	unsigned long frames[FRAMES];
	struct gnttab_setup setup = {.dom = DOMID_SELF, .frames = frame_count, .list = frames};

	if (grant_op(GNTTAB_SETUP, &setup, 1) || setup.status ||
	    map_frames((void *)(unsigned long)table, frames, frame_count, DOMID_SELF, PTE_KERNEL))
		panic("the grant table cannot be mapped");
	if (!same)
		free_all();
}

gref_t grant_give(domid_t dom, const void *page, bool readonly)
{
	gref_t ref;

	if (!free_count)
		return 0;
	ref = free_refs[--free_count];
	table[ref].dom = dom;
	table[ref].frame = (u32)frame_of(page_of(page));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	table[ref].flags = (u16)(GRANT_PERMIT | (readonly ? GRANT_READONLY : 0));
	return ref;
}

bool grant_end(gref_t ref)
{
	u16 flags = table[ref].flags;

	do {
		if (flags & (GRANT_READING | GRANT_WRITING))
			return false;
	} while (!__atomic_compare_exchange_n(&table[ref].flags, &flags, 0, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_SEQ_CST));
	free_refs[free_count++] = ref;
	return true;
}

bool grant_map(struct grant_map *map, domid_t dom, const gref_t *refs, unsigned long count,
	       bool readonly)
{
	struct gnttab_map one;

	map->count = 0;
	map->handles = malloc(count * sizeof(u32));
	map->va = map->handles ? window_alloc(count) : NULL;
	for (unsigned long i = 0; map->va && i < count; i++) {
		one = (struct gnttab_map){.addr = (unsigned long)map->va + (i << PAGE_SHIFT),
					  .flags = MAP_HOST | (readonly ? MAP_READONLY : 0),
					  .ref = refs[i],
					  .dom = dom};
		if (grant_op(GNTTAB_MAP, &one, 1) || one.status)
			break;
		map->handles[map->count++] = one.handle;
	}
	if (map->va && map->count == count)
		return true;
	if (map->va) {
		unsigned long mapped = map->count;

		grant_unmap(map);
		window_free((char *)map->va + (mapped << PAGE_SHIFT), count - mapped);
	} else {
		free(map->handles);
	}
	return false;
}

void grant_unmap(struct grant_map *map)
{
	for (unsigned long i = 0; i < map->count; i++) {
		struct gnttab_unmap one = {.addr = (unsigned long)map->va + (i << PAGE_SHIFT),
					   .handle = map->handles[i]};

		grant_op(GNTTAB_UNMAP, &one, 1);
	}
	window_free(map->va, map->count);
	free(map->handles);
	map->count = 0;
	map->handles = NULL;
}

static bool copy(struct gnttab_copy *op)
{
	return !grant_op(GNTTAB_COPY, op, 1) && !op->status;
}

/* Our side of a copy, from `local` on, at most to the end of its page. */
static void local_end(struct gnttab_end *end, const void *local)
{
	end->u.gmfn = frame_of(page_of(local));
	end->dom = DOMID_SELF;
	end->offset = (u16)((unsigned long)local & (PAGE_SIZE - 1));
}

static bool in_pieces(struct gnttab_copy *op, struct gnttab_end *near, struct gnttab_end *far,
		      const char *local, u16 size)
{
	while (size) {
		unsigned long room = PAGE_SIZE - ((unsigned long)local & (PAGE_SIZE - 1));
		u16 now = size < room ? size : (u16)room;

		local_end(near, local);
		op->len = now;
		op->status = 0;
		if (!copy(op))
			return false;
		far->offset = (u16)(far->offset + now);
		local += now;
		size = (u16)(size - now);
	}
	return true;
}

bool grant_read(void *to, domid_t dom, gref_t ref, u16 offset, u16 size)
{
	struct gnttab_copy op = {.flags = COPY_SOURCE_GREF};

	op.source.u.ref = ref;
	op.source.dom = dom;
	op.source.offset = offset;
	return in_pieces(&op, &op.dest, &op.source, to, size);
}

bool grant_write(domid_t dom, gref_t ref, u16 offset, const void *from, u16 size)
{
	struct gnttab_copy op = {.flags = COPY_DEST_GREF};

	op.dest.u.ref = ref;
	op.dest.dom = dom;
	op.dest.offset = offset;
	return in_pieces(&op, &op.source, &op.dest, from, size);
}
