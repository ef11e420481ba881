/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fdt.h"
#include "text.h"

#define MAX_DEPTH 32

u32 fdt_be32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

u64 fdt_number(const u8 *p, u32 cells)
{
	u64 n = 0;

	for (u32 i = 0; i < cells; i++)
		n = n << 32 | fdt_be32(p + 4 * i);
	return n;
}

/* Offset behind the string that begins at `at` in a block that ends at `end`, or FDT_NONE. */
static u32 behind_string(const u8 *block, u32 at, u32 end)
{
	while (at < end)
		if (!block[at++])
			return at;
	return FDT_NONE;
}

static u32 align4(u32 n)
{
	return (n + 3) & ~3u;
}

/* Reads the token at `at`; false if it does not lie wholly in its block. */
static bool read_token(const struct fdt *fdt, u32 at, struct fdt_token *token)
{
	const u8 *block = fdt->base + fdt->structure;
	u32 end = fdt->structure_size;
	u32 name;

	if (at > end || end - at < 4)
		return false;
	token->tag = fdt_be32(block + at);
	token->next = at + 4;
	switch (token->tag) {
	case FDT_BEGIN_NODE:
		token->name = (const char *)block + at + 4;
		token->next = behind_string(block, at + 4, end);
		if (token->next == FDT_NONE)
			return false;
		token->next = align4(token->next);
		return token->next <= end;
	case FDT_PROP:
		if (end - at < 12)
			return false;
		token->value.size = fdt_be32(block + at + 4);
		token->value.bytes = block + at + 12;
		if (token->value.size > end - at - 12)
			return false;
		token->next = align4(at + 12 + token->value.size);
		name = fdt_be32(block + at + 8);
		token->name = (const char *)fdt->base + fdt->strings + name;
		return token->next <= end &&
		       behind_string(fdt->base + fdt->strings, name, fdt->strings_size) != FDT_NONE;
	case FDT_END_NODE:
	case FDT_NOP:
	case FDT_END:
		return true;
	default:
		return false;
	}
}

struct fdt_token fdt_token(const struct fdt *fdt, u32 at)
{
	struct fdt_token token = {0};

	if (!read_token(fdt, at, &token))
		token.tag = FDT_END;
	return token;
}

/* One root; properties before child nodes; every node closed; FDT_END last. */
static bool structure_is_sound(const struct fdt *fdt)
{
	struct fdt_token token = {0};
	bool may_have_property = false;
	u32 depth = 0, roots = 0;

	for (u32 at = 0;; at = token.next) {
		if (!read_token(fdt, at, &token))
			return false;
		switch (token.tag) {
		case FDT_BEGIN_NODE:
			if (!depth++ && roots++)
				return false;
			if (depth > MAX_DEPTH)
				return false;
			may_have_property = true;
			break;
		case FDT_PROP:
			if (!may_have_property)
				return false;
			break;
		case FDT_END_NODE:
			if (!depth--)
				return false;
			may_have_property = false;
			break;
		case FDT_END:
			return !depth && roots;
		}
	}
}

/* The block of reservations ends with an entry of zeros (chapter 5.3); sets reserved_size. */
static bool reservations_end(struct fdt *fdt)
{
	for (u32 at = fdt->reserved; at <= fdt->size && fdt->size - at >= 16; at += 16) {
		fdt->reserved_size = at + 16 - fdt->reserved;
		if (!fdt_number(fdt->base + at, 2) && !fdt_number(fdt->base + at + 8, 2))
			return true;
	}
	return false;
}

static bool inside(const struct fdt *fdt, u32 offset, u32 size)
{
	return offset <= fdt->size && size <= fdt->size - offset;
}

const char *fdt_open(struct fdt *fdt, const void *blob)
{
	const u8 *header = blob;

	if (fdt_be32(header) != FDT_MAGIC)
		return "no device tree was given";
	fdt->base = header;
	fdt->size = fdt_be32(header + 4);
	fdt->structure = fdt_be32(header + 8);
	fdt->strings = fdt_be32(header + 12);
	fdt->reserved = fdt_be32(header + 16);
	if (fdt_be32(header + 20) < 17 || fdt_be32(header + 24) > 17)
		return "the device tree is of an unknown version";
	fdt->boot_cpu = fdt_be32(header + 28);
	fdt->strings_size = fdt_be32(header + 32);
	fdt->structure_size = fdt_be32(header + 36);
	if (fdt->size > FDT_MAX_SIZE)
		return "the device tree is larger than 2 MiB";
	if (fdt->size < FDT_HEADER || !inside(fdt, fdt->structure, fdt->structure_size) ||
	    !inside(fdt, fdt->strings, fdt->strings_size) || !reservations_end(fdt) ||
	    !structure_is_sound(fdt))
		return "the device tree is damaged";
	return NULL;
}

/* The next token from `at` on that is no FDT_NOP; `at` becomes its offset. */
static struct fdt_token next_real(const struct fdt *fdt, u32 *at)
{
	struct fdt_token token = fdt_token(fdt, *at);

	while (token.tag == FDT_NOP) {
		*at = token.next;
		token = fdt_token(fdt, *at);
	}
	return token;
}

u32 fdt_root(const struct fdt *fdt)
{
	u32 at = 0;

	next_real(fdt, &at);
	return at;
}

const char *fdt_name(const struct fdt *fdt, u32 node)
{
	return fdt_token(fdt, node).name;
}

u32 fdt_child(const struct fdt *fdt, u32 node)
{
	u32 at = fdt_token(fdt, node).next;
	struct fdt_token token = next_real(fdt, &at);

	while (token.tag == FDT_PROP) {
		at = token.next;
		token = next_real(fdt, &at);
	}
	return token.tag == FDT_BEGIN_NODE ? at : FDT_NONE;
}

u32 fdt_behind(const struct fdt *fdt, u32 node)
{
	u32 at = node, depth = 0;

	for (;;) {
		struct fdt_token token = fdt_token(fdt, at);

		at = token.next;
		if (token.tag == FDT_BEGIN_NODE)
			depth++;
		else if (token.tag == FDT_END_NODE && !--depth)
			return at;
	}
}

u32 fdt_sibling(const struct fdt *fdt, u32 node)
{
	u32 at = fdt_behind(fdt, node);

	return next_real(fdt, &at).tag == FDT_BEGIN_NODE ? at : FDT_NONE;
}

u32 fdt_find_child(const struct fdt *fdt, u32 node, const char *name, size_t length)
{
	for (u32 at = fdt_child(fdt, node); at != FDT_NONE; at = fdt_sibling(fdt, at)) {
		const char *own = fdt_name(fdt, at);
		size_t i = 0;

		while (i < length && own[i] && own[i] == name[i])
			i++;
		if (i == length && !own[i])
			return at;
	}
	return FDT_NONE;
}

bool fdt_property(const struct fdt *fdt, u32 node, const char *name, struct fdt_value *value)
{
	u32 at = fdt_token(fdt, node).next;

	for (;;) {
		struct fdt_token token = next_real(fdt, &at);

		if (token.tag != FDT_PROP)
			return false;
		if (text_equal(token.name, name)) {
			*value = token.value;
			return true;
		}
		at = token.next;
	}
}

u32 fdt_cells(const struct fdt *fdt, u32 node, const char *name, u32 otherwise)
{
	struct fdt_value value;

	if (!fdt_property(fdt, node, name, &value) || value.size != 4)
		return otherwise;
	return fdt_be32(value.bytes);
}

bool fdt_lists(const struct fdt *fdt, u32 node, const char *property, const char *text)
{
	struct fdt_value value;
	u32 at = 0;

	if (!fdt_property(fdt, node, property, &value) || !value.size ||
	    value.bytes[value.size - 1])
		return false;
	while (at < value.size) {
		if (text_equal((const char *)value.bytes + at, text))
			return true;
		at = behind_string(value.bytes, at, value.size);
	}
	return false;
}
