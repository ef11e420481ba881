/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "domains.h"
#include "memory.h"
#include "text.h"

#define PASSTHROUGH "xenbuild,passthrough"

static u32 blanks(struct text first, struct text second)
{
	return first.size && second.size;
}

u32 words_size(struct text first, struct text second)
{
	return first.size + blanks(first, second) + second.size + 1;
}

void put_words(struct output *out, struct text first, struct text second)
{
	put_bytes(out, first.bytes, first.size);
	put_bytes(out, " ", blanks(first, second));
	put_bytes(out, second.bytes, second.size);
	put_bytes(out, "", 1);
	pad4(out);
}

/* The phandle of the machine's CPU of that number, in the order of its tree; 0 if it has none. */
static u32 cpu_phandle(const struct fdt *fdt, u32 number)
{
	u32 node = fdt_find_child(fdt, fdt_root(fdt), "cpus", 4);

	node = node == FDT_NONE ? node : fdt_child(fdt, node);
	for (; node != FDT_NONE; node = fdt_sibling(fdt, node))
		if (fdt_lists(fdt, node, "device_type", "cpu") && !number--)
			return fdt_cells(fdt, node, "phandle", 0);
	return 0;
}

/* The node at the end of a path such as "/soc/serial@0", or FDT_NONE. */
static u32 node_at(const struct fdt *fdt, const char *path)
{
	u32 node = fdt_root(fdt);

	while (*path && node != FDT_NONE) {
		size_t length = 0;

		while (*path == '/')
			path++;
		while (path[length] && path[length] != '/')
			length++;
		if (length)
			node = fdt_find_child(fdt, node, path, length);
		path += length;
	}
	return node;
}

/* The next path that a guest's node lists for passthrough; `at` counts bytes of the property. */
static const char *next_path(const struct fdt *domains, u32 guest, u32 *at)
{
	struct fdt_value value;
	const char *path;

	if (!fdt_property(domains, guest, PASSTHROUGH, &value) || !value.size ||
	    value.bytes[value.size - 1] || *at >= value.size)
		return NULL;
	path = (const char *)value.bytes + *at;
	*at += text_length(path) + 1;
	return path;
}

bool is_passed_through(const struct fdt *fdt, u32 node, const struct fdt *domains)
{
	const char *path;

	if (!domains)
		return false;
	for (u32 guest = fdt_child(domains, fdt_root(domains)); guest != FDT_NONE;
	     guest = fdt_sibling(domains, guest))
		for (u32 at = 0; (path = next_path(domains, guest, &at));)
			if (node_at(fdt, path) == node)
				return true;
	return false;
}

static bool is_free_ram(const struct fdt *fdt, paddr from, u64 size, paddr start, paddr end)
{
	return from + size > from && memory_holds(fdt, from, from + size) &&
	       (from + size <= start || end <= from);
}

/* Ranges of two cells of address and two of size. */
static bool ranges_are_free(const struct fdt *fdt, const struct fdt *domains, u32 node,
			    const char *name, paddr start, paddr end)
{
	struct fdt_value value;

	if (!fdt_property(domains, node, name, &value))
		return true;
	for (u32 at = 0; at + 16 <= value.size; at += 16)
		if (!is_free_ram(fdt, fdt_number(value.bytes + at, 2),
				 fdt_number(value.bytes + at + 8, 2), start, end))
			return false;
	return true;
}

/* xen,shared-mem: the machine's address (maybe), the guest's, and the size. */
static bool shared_is_free(const struct fdt *fdt, const struct fdt *domains, u32 guest, paddr start,
			   paddr end)
{
	struct fdt_value value;

	for (u32 node = fdt_child(domains, guest); node != FDT_NONE;
	     node = fdt_sibling(domains, node))
		if (fdt_property(domains, node, "xen,shared-mem", &value) && value.size == 24 &&
		    !is_free_ram(fdt, fdt_number(value.bytes, 2), fdt_number(value.bytes + 16, 2),
				 start, end))
			return false;
	return true;
}

static bool cpus_are_there(const struct fdt *fdt, const struct fdt *domains, u32 node)
{
	struct fdt_value value;

	if (!fdt_property(domains, node, "cpupool-cpus", &value))
		return true;
	for (u32 at = 0; at + 4 <= value.size; at += 4)
		if (!cpu_phandle(fdt, fdt_be32(value.bytes + at)))
			return false;
	return true;
}

static bool devices_are_there(const struct fdt *fdt, const struct fdt *domains, u32 guest)
{
	const char *path;

	for (u32 at = 0; (path = next_path(domains, guest, &at));)
		if (node_at(fdt, path) == FDT_NONE)
			return false;
	return true;
}

const char *domains_problem(const struct fdt *fdt, const struct fdt *domains, paddr start,
			    paddr end)
{
	struct fdt_value value;
	u32 root;

	if (!domains)
		return NULL;
	root = fdt_root(domains);
	if (fdt_property(domains, root, "xen,static-heap", &value) &&
	    (fdt_cells(fdt, fdt_root(fdt), "#address-cells", 2) != 2 ||
	     fdt_cells(fdt, fdt_root(fdt), "#size-cells", 1) != 2))
		return "hypervisor.static_heap needs a device tree of two cells each";
	if (!ranges_are_free(fdt, domains, root, "xen,static-heap", start, end))
		return "hypervisor.static_heap is not all RAM that is free here";
	for (u32 node = fdt_child(domains, root); node != FDT_NONE;
	     node = fdt_sibling(domains, node)) {
		if (!ranges_are_free(fdt, domains, node, "xen,static-mem", start, end))
			return "static_memory of a guest is not all RAM that is free here";
		if (!shared_is_free(fdt, domains, node, start, end))
			return "shared_memory of a guest is not all RAM that is free here";
		if (!cpus_are_there(fdt, domains, node))
			return "hypervisor.cpupools names a CPU that this machine does not have";
		if (!devices_are_there(fdt, domains, node))
			return "device_tree of a guest names a device that this machine does not "
			       "have (xen,path)";
	}
	return NULL;
}

/* Ranges in these nodes have the cells of /chosen, which must be those that the composer wrote. */
bool domains_fit_cells(const struct fdt *domains, u32 address_cells, u32 size_cells)
{
	struct fdt_value value;

	if (!domains || (address_cells == 2 && size_cells == 2))
		return true;
	for (u32 node = fdt_child(domains, fdt_root(domains)); node != FDT_NONE;
	     node = fdt_sibling(domains, node))
		if (fdt_property(domains, node, "xen,static-mem", &value) ||
		    fdt_property(domains, node, "reg", &value))
			return false;
	return true;
}

static u32 new_name(const struct output *out, const struct fdt *domains, const char *name)
{
	return out->domain_names + (u32)((const u8 *)name - domains->base - domains->strings);
}

static void put_plain(struct output *out, const struct fdt *domains, const struct fdt_token *token)
{
	put_head(out, new_name(out, domains, token->name), token->value.size);
	put_bytes(out, token->value.bytes, token->value.size);
	pad4(out);
}

void put_domain_properties(struct output *out, const struct chosen *chosen)
{
	const struct fdt *domains = chosen->domains;
	struct fdt_token token;

	if (!domains)
		return;
	for (u32 at = fdt_token(domains, fdt_root(domains)).next;; at = token.next) {
		token = fdt_token(domains, at);
		if (token.tag == FDT_PROP)
			put_plain(out, domains, &token);
		else if (token.tag != FDT_NOP)
			return;
	}
}

static void put_domain_property(struct output *out, const struct fdt *fdt,
				const struct chosen *chosen, const struct fdt_token *token,
				struct text *words)
{
	const struct fdt_value *value = &token->value;
	u32 name = new_name(out, chosen->domains, token->name);

	if (words->size && value->size && text_equal(token->name, "bootargs")) {
		struct text own = {(const char *)value->bytes, value->size - 1};

		put_head(out, name, words_size(own, *words));
		put_words(out, own, *words);
		words->size = 0;
	} else if (value->size >= 8 && text_equal(token->name, "reg")) {
		put_head(out, name, value->size);
		put_number(out, chosen->base + fdt_number(value->bytes, 2), 2);
		put_bytes(out, value->bytes + 8, value->size - 8);
		pad4(out);
	} else if (text_equal(token->name, "cpupool-cpus")) {
		put_head(out, name, value->size & ~3u);
		for (u32 at = 0; at + 4 <= value->size; at += 4)
			put_be32(out, cpu_phandle(fdt, fdt_be32(value->bytes + at)));
	} else
		put_plain(out, chosen->domains, token);
}

void put_domains(struct output *out, const struct fdt *fdt, const struct chosen *chosen,
		 struct text words)
{
	const struct fdt *domains = chosen->domains;
	u32 root, at, end;

	if (!domains)
		return;
	root = fdt_root(domains);
	at = fdt_child(domains, root);
	end = fdt_behind(domains, root) - 4; /* the root's FDT_END_NODE */
	while (at < end) {
		struct fdt_token token = fdt_token(domains, at);

		if (token.tag == FDT_PROP)
			put_domain_property(out, fdt, chosen, &token, &words);
		else
			put_bytes(out, domains->base + domains->structure + at, token.next - at);
		at = token.next;
	}
}
