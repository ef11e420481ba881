/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF (System V ABI, gABI chapters 4 and 5) as far as a kernel for Xen needs it; 32 and 64 bits. */
#include "abi/xen.h"
#include "elf.h"
#include "lib.h"

#define PT_LOAD 1
#define PT_NOTE 4

struct header {
	u64 entry, phoff;
	u32 phentsize, phnum;
};

struct segment {
	u32 type;
	u64 offset, va, pa, file_size, memory_size;
};

static u64 field(const u8 *at, unsigned int size)
{
	u64 value = 0;

	while (size--)
		value = value << 8 | at[size];
	return value;
}

static bool in_file(const struct elf_kernel *k, u64 offset, u64 size)
{
	return offset <= k->size && size <= k->size - offset;
}

static bool read_header(const struct elf_kernel *k, struct header *h)
{
	const u8 *e = k->image;
	unsigned int w = k->is64 ? 8 : 4, tail = 24 + 3 * w;

	if (!in_file(k, 0, tail + 16))
		return false;
	h->entry = field(e + 24, w);
	h->phoff = field(e + 24 + w, w);
	h->phentsize = (u32)field(e + tail + 6, 2);
	h->phnum = (u32)field(e + tail + 8, 2);
	return h->phentsize >= (k->is64 ? 56u : 32u) &&
	       in_file(k, h->phoff, (u64)h->phentsize * h->phnum);
}

static void read_segment(const struct elf_kernel *k, const struct header *h, u32 i,
			 struct segment *s)
{
	const u8 *p = k->image + h->phoff + (u64)i * h->phentsize;

	s->type = (u32)field(p, 4);
	if (k->is64) {
		s->offset = field(p + 8, 8);
		s->va = field(p + 16, 8);
		s->pa = field(p + 24, 8);
		s->file_size = field(p + 32, 8);
		s->memory_size = field(p + 40, 8);
	} else {
		s->offset = field(p + 4, 4);
		s->va = field(p + 8, 4);
		s->pa = field(p + 12, 4);
		s->file_size = field(p + 16, 4);
		s->memory_size = field(p + 20, 4);
	}
}

static void use_note(struct elf_kernel *k, u32 type, u64 value)
{
	switch (type) {
	case NOTE_ENTRY:
		k->entry = (ulong)value;
		break;
	case NOTE_VIRT_BASE:
		k->virt_base = (ulong)value;
		break;
	case NOTE_PADDR_OFFSET:
		k->paddr_offset = (ulong)value;
		break;
	case NOTE_HYPERCALL_PAGE:
		k->hypercall_page = (ulong)value;
		k->has_hypercall_page = true;
		break;
	case NOTE_INIT_P2M:
		k->init_p2m = (ulong)value;
		k->has_init_p2m = true;
		break;
	case NOTE_MOD_START_PFN:
		k->mod_start_pfn = value != 0;
		break;
	}
}

/* GRUB's last note says that it is longer than the segment is: it ends there. */
static unsigned int read_notes(struct elf_kernel *k, const struct segment *s)
{
	const u8 *at = k->image + s->offset, *end = at + s->file_size;
	unsigned int found = 0;

	while (end - at >= 12) {
		u64 name = field(at, 4), size = field(at + 4, 4);
		u32 type = (u32)field(at + 8, 4);
		u64 room = (u64)(end - at) - 12;

		if (ROUND_UP(name, 4) > room)
			break;
		room -= ROUND_UP(name, 4);
		if (name == 4 && !memcmp(at + 12, "Xen", 4) && ++found && size <= 8 && size <= room)
			use_note(k, type, field(at + 16, (unsigned int)size));
		if (ROUND_UP(size, 4) > room)
			break;
		at += 12 + ROUND_UP(name, 4) + ROUND_UP(size, 4);
	}
	return found;
}

static const char *read_segments(struct elf_kernel *k, const struct header *h)
{
	unsigned int notes = 0;
	struct segment s;

	k->low = ~0ul;
	for (u32 i = 0; i < h->phnum; i++) {
		read_segment(k, h, i, &s);
		if (s.type != PT_LOAD && s.type != PT_NOTE)
			continue;
		if (!in_file(k, s.offset, s.file_size) || s.file_size > s.memory_size)
			return "a segment lies outside of the file";
		if (s.type == PT_NOTE) {
			notes += read_notes(k, &s);
			continue;
		}
		if (s.va + s.memory_size < s.va || s.va + s.memory_size > ~0ul)
			return "a segment lies outside of the address space";
		k->low = MIN(k->low, (ulong)s.va);
		k->high = MAX(k->high, (ulong)(s.va + s.memory_size));
	}
	if (!notes)
		return "it has no Xen notes: it is not made for PV";
	return k->high ? NULL : "it has nothing to load";
}

const char *elf_read(struct elf_kernel *k, const u8 *image, size_t size)
{
	struct header h;

	memset(k, 0, sizeof(*k));
	k->image = image;
	k->size = size;
	if (size < 64 || memcmp(image, "\177ELF", 4))
		return "it is no ELF file";
	k->is64 = image[4] == 2;
	if (k->is64 != (sizeof(long) == 8) || image[5] != 1)
		return "it is made for another kind of CPU";
	if (!read_header(k, &h))
		return "its ELF header is damaged";
	k->entry = (ulong)h.entry;
	return read_segments(k, &h);
}

void elf_each_load(const struct elf_kernel *k,
		   void (*load)(void *context, ulong va, const u8 *data, size_t file_size,
				size_t memory_size),
		   void *context)
{
	struct header h;
	struct segment s;

	if (!read_header(k, &h))
		return;
	for (u32 i = 0; i < h.phnum; i++) {
		read_segment(k, &h, i, &s);
		if (s.type == PT_LOAD)
			load(context, (ulong)s.va, k->image + s.offset, (size_t)s.file_size,
			     (size_t)s.memory_size);
	}
}
