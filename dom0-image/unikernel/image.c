/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image.h"

#include <string.h>

enum { PT_LOAD = 1, PT_NOTE = 4 };
enum { ELF_386 = 3, ELF_X86_64 = 62 };

enum note {
	NOTE_ENTRY = 1,
	NOTE_HYPERCALL_PAGE = 2,
	NOTE_VIRT_BASE = 3,
	NOTE_PADDR_OFFSET = 4,
	NOTE_XEN_VERSION = 5,
	NOTE_INIT_P2M = 15,
	NOTE_MOD_START_PFN = 16,
};

struct segment {
	u32 type;
	u64 offset, va, pa, filled, size;
};

struct reader {
	const u8 *data;
	size_t size;
	bool wide;
	u64 table; /* of program headers */
	u32 entry_size, count;
	u64 pa_offset;
	bool xen;
};

/* A little-endian number of `bytes` bytes that are there. */
static u64 get(const u8 *at, u32 bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

static bool inside(const struct reader *r, u64 offset, u64 size)
{
	return offset <= r->size && size <= r->size - offset;
}

static const char *read_header(struct reader *r, struct image *image)
{
	u64 machine;

	if (r->size < 52 || memcmp(r->data, "\177ELF", 4) || r->data[5] != 1)
		return "it is no ELF file";
	r->wide = r->data[4] == 2;
	if (r->wide && r->size < 64)
		return "it is cut";
	machine = get(r->data + 18, 2);
	if (machine != (r->wide ? ELF_X86_64 : ELF_386))
		return "it is for another machine";
	image->wide = r->wide;
	image->entry = r->wide ? get(r->data + 24, 8) : get(r->data + 24, 4);
	r->table = r->wide ? get(r->data + 32, 8) : get(r->data + 28, 4);
	r->entry_size = (u32)get(r->data + (r->wide ? 54 : 42), 2);
	r->count = (u32)get(r->data + (r->wide ? 56 : 44), 2);
	if (r->entry_size < (r->wide ? 56u : 32u) ||
	    !inside(r, r->table, (u64)r->entry_size * r->count))
		return "its program headers are not in it";
	return NULL;
}

static struct segment segment(const struct reader *r, u32 number)
{
	const u8 *at = r->data + r->table + (size_t)number * r->entry_size;

	if (r->wide)
		return (struct segment){(u32)get(at, 4), get(at + 8, 8),  get(at + 16, 8),
					get(at + 24, 8), get(at + 32, 8), get(at + 40, 8)};
	return (struct segment){(u32)get(at, 4), get(at + 4, 4),  get(at + 8, 4),
				get(at + 12, 4), get(at + 16, 4), get(at + 20, 4)};
}

static void take_note(struct reader *r, struct image *image, u32 type, const u8 *value, u32 size)
{
	u64 number = get(value, size < 8 ? size : 8);

	switch (type) {
	case NOTE_ENTRY:
		image->entry = number;
		break;
	case NOTE_HYPERCALL_PAGE:
		image->hypercall_page = number;
		break;
	case NOTE_VIRT_BASE:
		image->base = number;
		break;
	case NOTE_PADDR_OFFSET:
		r->pa_offset = number;
		break;
	case NOTE_XEN_VERSION:
		r->xen = size >= 7 && !memcmp(value, "xen-3.0", 7);
		break;
	case NOTE_INIT_P2M:
		image->init_p2m = number;
		break;
	case NOTE_MOD_START_PFN:
		image->module_by_pfn = number == 1;
		break;
	}
}

/* Notes of other owners lie among Xen's; the last value may be cut by the segment's end (GRUB's
 * is). */
static void read_notes(struct reader *r, struct image *image, u64 offset, u64 size)
{
	u64 end = offset + size;

	while (end - offset >= 12) {
		const u8 *at = r->data + offset;
		u64 name = get(at, 4), value = get(at + 4, 4);
		u64 value_at = 12 + ((name + 3) & ~3ull);

		if (value_at > end - offset)
			return;
		if (value > end - offset - value_at)
			value = end - offset - value_at;
		if (name == 4 && !memcmp(at + 12, "Xen", 4))
			take_note(r, image, (u32)get(at + 8, 4), at + value_at, (u32)value);
		value_at += (value + 3) & ~3ull;
		offset = value_at < end - offset ? offset + value_at : end;
	}
}

static const char *add_load(const struct reader *r, struct image *image, const struct segment *s)
{
	struct image_load *load = &image->loads[image->load_count];

	if (!s->size)
		return NULL;
	if (image->load_count == MAX_LOADS)
		return "it has too many segments";
	if (s->filled > s->size || !inside(r, s->offset, s->filled))
		return "a segment is not in it";
	load->va = s->pa - r->pa_offset + image->base;
	load->data = r->data + s->offset;
	load->filled = s->filled;
	load->size = s->size;
	if (!r->wide && load->va >> 32)
		return "a segment lies beyond its addresses";
	if (load->va < image->base || load->va + load->size < load->va || s->size > 1ull << 32 ||
	    load->va - image->base > 1ull << 32)
		return "a segment lies outside of its memory";
	if (load->va < image->start)
		image->start = load->va;
	if (load->va + load->size > image->end)
		image->end = load->va + load->size;
	image->load_count++;
	return NULL;
}

const char *image_parse(struct image *image, const u8 *data, size_t size)
{
	struct reader r = {.data = data, .size = size};
	const char *error;

	*image = (struct image){
	    .hypercall_page = NO_ADDRESS, .init_p2m = NO_ADDRESS, .start = NO_ADDRESS};
	error = read_header(&r, image);
	for (u32 i = 0; !error && i < r.count; i++) {
		struct segment s = segment(&r, i);

		if (s.type == PT_NOTE && inside(&r, s.offset, s.filled))
			read_notes(&r, image, s.offset, s.filled);
	}
	if (!error && !r.xen)
		error = "it has no Xen notes";
	for (u32 i = 0; !error && i < r.count; i++) {
		struct segment s = segment(&r, i);

		if (s.type == PT_LOAD)
			error = add_load(&r, image, &s);
	}
	if (!error && !image->load_count)
		error = "it has nothing to load";
	if (!error && (image->base & (PAGE_SIZE - 1)))
		error = "its base is not at a page";
	return error;
}
