/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Behind the head's sector: shared_info, a context for each vcpu that there is, a record for each
 * page, with its content behind it where it is not all zeros. */
#include "savefile.h"

#include "memory.h"
#include "vcpu_context.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC   "xenbuild saved 1"
#define THERE   1u
#define PINNED  2u
#define IS_P2M  4u
#define CONTENT 8u

struct head {
	char magic[16];
	char guest[32];
	u32 word, context_size; /* of the architecture that saved it */
	u32 vcpus, sum;         /* bit n: vcpu n; checksum of what follows */
	u64 count, start_page;
};

struct record {
	u32 flags, level, p2m_index;
};

struct stream {
	struct block *disk;
	u64 sector; /* the next one */
	char *buffer;
	size_t at, end; /* in the buffer: where we are, how much is there to be read */
	u32 sum;
	bool ok;
};

static bool stream_open(struct stream *s, struct block *disk)
{
	*s = (struct stream){.disk = disk, .sector = 1, .sum = 2166136261u};
	s->buffer = pages_alloc(BLOCK_MAX_SIZE / PAGE_SIZE);
	s->ok = s->buffer;
	return s->ok;
}

static void stream_close(struct stream *s)
{
	if (s->buffer)
		pages_free(s->buffer, BLOCK_MAX_SIZE / PAGE_SIZE);
}

/* FNV-1a, by 32-bit words: all that is written is whole words. */
static void add_to_sum(struct stream *s, const void *data, size_t size)
{
	const u32 *word = data;

	for (size_t i = 0; i < size / sizeof(*word); i++)
		s->sum = (s->sum ^ word[i]) * 16777619u;
}

static void flush(struct stream *s)
{
	u32 sectors = (u32)((s->at + SECTOR - 1) / SECTOR);

	if (s->ok && sectors)
		s->ok = block_do(s->disk, BLOCK_WRITE, s->sector, sectors, s->buffer);
	s->sector += sectors;
	s->at = 0;
}

static void fill(struct stream *s)
{
	u64 left = s->disk->sectors - s->sector;
	u32 sectors = left < BLOCK_MAX_SIZE / SECTOR ? (u32)left : BLOCK_MAX_SIZE / SECTOR;

	s->ok = s->ok && sectors && block_do(s->disk, BLOCK_READ, s->sector, sectors, s->buffer);
	s->sector += sectors;
	s->at = 0;
	s->end = (size_t)sectors * SECTOR;
}

static void put(struct stream *s, const void *data, size_t size)
{
	const char *from = data;

	add_to_sum(s, data, size);
	while (s->ok && size) {
		size_t room = BLOCK_MAX_SIZE - s->at, part = size < room ? size : room;

		memcpy(s->buffer + s->at, from, part);
		s->at += part;
		from += part;
		size -= part;
		if (s->at == BLOCK_MAX_SIZE)
			flush(s);
	}
}

static bool get(struct stream *s, void *data, size_t size)
{
	char *to = data;

	for (size_t left = size; s->ok && left;) {
		size_t part;

		if (s->at == s->end)
			fill(s);
		if (!s->ok)
			return false;
		part = left < s->end - s->at ? left : s->end - s->at;
		memcpy(to, s->buffer + s->at, part);
		s->at += part;
		to += part;
		left -= part;
	}
	add_to_sum(s, data, size);
	return s->ok;
}

/* The first sector, at the start of a page. */
static bool head_do(struct block *disk, enum block_op op, struct head *head)
{
	char *page = pages_alloc(1);
	bool ok;

	if (!page)
		return false;
	memcpy(page, head, sizeof(*head));
	ok = block_do(disk, op, 0, 1, page) &&
	     (op == BLOCK_READ || block_do(disk, BLOCK_FLUSH, 0, 0, NULL));
	memcpy(head, page, sizeof(*head));
	pages_free(page, 1);
	return ok;
}

static bool blank(const struct head *head)
{
	const char *byte = (const char *)head;

	for (size_t i = 0; i < sizeof(*head); i++)
		if (byte[i])
			return false;
	return true;
}

static void put_body(struct stream *s, const struct saved *saved)
{
	put(s, saved->shared, PAGE_SIZE);
	for (u32 i = 0; i < LENGTH(saved->vcpus); i++)
		if (saved->vcpus[i])
			put(s, saved->vcpus[i], sizeof(*saved->vcpus[i]));
	for (pfn_t pfn = 0; pfn < saved->count && s->ok; pfn++) {
		const struct saved_page *page = &saved->pages[pfn];
		struct record record = {(page->there ? THERE : 0) | (page->pinned ? PINNED : 0) |
					    (page->is_p2m ? IS_P2M : 0) |
					    (page->data ? CONTENT : 0),
					page->level, page->p2m_index};

		put(s, &record, sizeof(record));
		if (page->data)
			put(s, page->data, PAGE_SIZE);
	}
	flush(s);
}

const char *savefile_write(struct block *disk, const char *guest, const struct saved *saved)
{
	struct head head = {{0}, {0}, 0, 0, 0, 0, 0, 0}, none = head;
	const char *error = NULL;
	struct stream s;

	if (!head_do(disk, BLOCK_READ, &head))
		return "the disk cannot be read";
	if (!blank(&head) && memcmp(head.magic, MAGIC, sizeof(head.magic)))
		return "the disk holds something else";
	if (!head_do(disk, BLOCK_WRITE, &none))
		return "the disk cannot be written";
	if (!stream_open(&s, disk))
		return "dom0 has not enough memory left";
	put_body(&s, saved);
	memcpy(head.magic, MAGIC, sizeof(head.magic));
	memset(head.guest, 0, sizeof(head.guest));
	memcpy(head.guest, guest, strnlen(guest, sizeof(head.guest) - 1));
	head.word = sizeof(long);
	head.context_size = sizeof(struct vcpu_guest_context);
	head.vcpus = 0;
	for (u32 i = 0; i < LENGTH(saved->vcpus); i++)
		head.vcpus |= saved->vcpus[i] ? 1u << i : 0;
	head.sum = s.sum;
	head.count = saved->count;
	head.start_page = saved->start_page;
	if (!s.ok || !block_do(disk, BLOCK_FLUSH, 0, 0, NULL) || !head_do(disk, BLOCK_WRITE, &head))
		error = "the disk is too small or cannot be written";
	stream_close(&s);
	return error;
}

static bool get_page(struct stream *s, struct saved_page *page)
{
	struct record record;

	if (!get(s, &record, sizeof(record)))
		return false;
	page->level = (u8)record.level;
	page->there = record.flags & THERE;
	page->pinned = record.flags & PINNED;
	page->is_p2m = record.flags & IS_P2M;
	page->p2m_index = record.p2m_index;
	if (!(record.flags & CONTENT))
		return true;
	page->data = pages_alloc(1);
	return page->data && get(s, page->data, PAGE_SIZE);
}

static bool get_body(struct stream *s, const struct head *head, struct saved *saved)
{
	saved->count = (unsigned long)head->count;
	saved->start_page = (pfn_t)head->start_page;
	saved->pages = calloc(saved->count, sizeof(*saved->pages));
	saved->shared = pages_alloc(1);
	if (!saved->pages || !saved->shared || !get(s, saved->shared, PAGE_SIZE))
		return false;
	for (u32 i = 0; i < LENGTH(saved->vcpus); i++) {
		if (!(head->vcpus & 1u << i))
			continue;
		saved->vcpus[i] = calloc(1, sizeof(*saved->vcpus[i]));
		if (!saved->vcpus[i] || !get(s, saved->vcpus[i], sizeof(*saved->vcpus[i])))
			return false;
	}
	for (pfn_t pfn = 0; pfn < saved->count; pfn++)
		if (!get_page(s, &saved->pages[pfn]))
			return false;
	return s->sum == head->sum;
}

struct saved *savefile_read(struct block *disk, const char *guest, const char **error)
{
	struct saved *saved = NULL;
	struct stream s = {.buffer = NULL};
	struct head head = {{0}, {0}, 0, 0, 0, 0, 0, 0};

	*error = NULL;
	if (!head_do(disk, BLOCK_READ, &head))
		*error = "the disk cannot be read";
	else if (memcmp(head.magic, MAGIC, sizeof(head.magic)) ||
		 strncmp(head.guest, guest, sizeof(head.guest)))
		*error = "the disk does not hold this guest";
	else if (head.word != sizeof(long) ||
		 head.context_size != sizeof(struct vcpu_guest_context))
		*error = "it was saved on another architecture";
	else if (!stream_open(&s, disk) || !(saved = calloc(1, sizeof(*saved))))
		*error = "dom0 has not enough memory left";
	else if (!get_body(&s, &head, saved))
		*error = "it is damaged, or dom0 has not enough memory left";
	stream_close(&s);
	if (!*error)
		return saved;
	saved_free(saved);
	return NULL;
}
