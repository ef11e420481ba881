/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The new tree is written in one pass over the old one; only /chosen changes. What Xen expects
 * there is in Xen's docs/misc/arm/device-tree/booting.txt.
 */
#include "chosen.h"
#include "domains.h"
#include "output.h"
#include "text.h"

/* Strings for the properties that we add; they follow the old strings block. */
static const char new_names[] = "#address-cells\0#size-cells\0xen,xen-bootargs\0"
				"xen,dom0-bootargs\0compatible\0reg\0xen,passthrough";

static void put_property(struct output *out, const char *name, u32 size)
{
	u32 offset = 0;

	while (!text_equal(new_names + offset, name))
		offset += text_length(new_names + offset) + 1;
	put_head(out, out->old_names + offset, size);
}

static void put_cells(struct output *out, const char *name, u32 cells)
{
	put_property(out, name, 4);
	put_be32(out, cells);
}

static void put_module_name(struct output *out, paddr address)
{
	char name[] = "module@0123456789abcdef";
	u32 at = 7;

	for (int shift = 60; shift >= 0; shift -= 4) {
		u32 digit = (u32)(address >> shift) & 0xf;

		if (digit || at > 7 || !shift)
			name[at++] = "0123456789abcdef"[digit];
	}
	name[at] = 0;
	put_bytes(out, name, at + 1);
	pad4(out);
}

struct cells {
	u32 address, size;
};

static void put_module(struct output *out, const struct module *module, struct cells cells,
		       const char *compatible, u32 compatible_size)
{
	if (!module->size)
		return;
	put_be32(out, FDT_BEGIN_NODE);
	put_module_name(out, module->address);
	put_property(out, "compatible", compatible_size);
	put_bytes(out, compatible, compatible_size);
	pad4(out);
	put_property(out, "reg", 4 * (cells.address + cells.size));
	put_number(out, module->address, cells.address);
	put_number(out, module->size, cells.size);
	put_be32(out, FDT_END_NODE);
}

static void put_modules(struct output *out, const struct chosen *chosen, struct cells cells)
{
	static const char kernel[] = "multiboot,kernel\0multiboot,module";
	static const char ramdisk[] = "multiboot,ramdisk\0multiboot,module";

	put_module(out, &chosen->kernel, cells, kernel, sizeof(kernel));
	put_module(out, &chosen->initramfs, cells, ramdisk, sizeof(ramdisk));
}

/* No string literal here: a constant with a pointer in it would need relocation. */
static struct text no_words(const struct fdt *fdt)
{
	return (struct text){(const char *)fdt->base, 0};
}

/* The boot loader's own words, up to the first NUL. */
static struct text boot_words(const struct fdt *fdt, u32 node)
{
	struct fdt_value value;
	struct text words = no_words(fdt);

	if (node == FDT_NONE || !fdt_property(fdt, node, "bootargs", &value))
		return words;
	words.bytes = (const char *)value.bytes;
	while (words.size < value.size && words.bytes[words.size])
		words.size++;
	return words;
}

/*
 * Cuts the words at a lone "--": what follows it belongs to dom0, as on x86, where Xen itself does
 * so (xen/arch/x86/setup.c). Returns the words behind it.
 */
static struct text cut_dom0_words(struct text *words)
{
	struct text behind = {words->bytes, 0};

	for (u32 i = 0; i + 2 <= words->size; i++) {
		const char *at = words->bytes + i;

		if (at[0] != '-' || at[1] != '-' || (i && at[-1] != ' ') ||
		    (i + 2 < words->size && at[2] != ' '))
			continue;
		if (i + 3 < words->size)
			behind = (struct text){at + 3, words->size - i - 3};
		words->size = i ? i - 1 : 0;
		break;
	}
	return behind;
}

static struct cells put_properties(struct output *out, const struct fdt *fdt, u32 node,
				   const struct chosen *chosen, struct text xen_words,
				   struct text dom0_words)
{
	struct cells cells = {2, 2};
	struct fdt_value value;

	if (node != FDT_NONE && fdt_property(fdt, node, "#address-cells", &value))
		cells.address = fdt_cells(fdt, node, "#address-cells", 0);
	else
		put_cells(out, "#address-cells", cells.address);
	if (node != FDT_NONE && fdt_property(fdt, node, "#size-cells", &value))
		cells.size = fdt_cells(fdt, node, "#size-cells", 0);
	else
		put_cells(out, "#size-cells", cells.size);
	put_property(out, "xen,xen-bootargs", words_size(chosen->xen_cmdline, xen_words));
	put_words(out, chosen->xen_cmdline, xen_words);
	if (chosen->kernel.size) {
		put_property(out, "xen,dom0-bootargs",
			     words_size(chosen->dom0_cmdline, dom0_words));
		put_words(out, chosen->dom0_cmdline, dom0_words);
	}
	put_domain_properties(out, chosen);
	return cells;
}

/* Properties of the old /chosen that would contradict ours; Xen takes linux,initrd-* for a module.
 */
static bool is_dropped_property(const char *name)
{
	return text_equal(name, "xen,xen-bootargs") || text_equal(name, "xen,dom0-bootargs") ||
	       text_equal(name, "linux,initrd-start") || text_equal(name, "linux,initrd-end") ||
	       text_equal(name, "xen,static-heap");
}

static bool is_old_module(const struct fdt *fdt, u32 node)
{
	return fdt_lists(fdt, node, "compatible", "multiboot,module") ||
	       fdt_lists(fdt, node, "compatible", "xen,multiboot-module");
}

static bool cells_hold(struct cells cells, const struct chosen *chosen)
{
	paddr end = chosen->kernel.address + chosen->kernel.size;
	paddr initramfs_end = chosen->initramfs.address + chosen->initramfs.size;

	if (cells.address < 1 || cells.address > 2 || cells.size < 1 || cells.size > 2)
		return false;
	return cells.address == 2 || ((end | initramfs_end) >> 32) == 0;
}

/* Writes the changed node from its FDT_BEGIN_NODE to its FDT_END_NODE; `node` may be FDT_NONE. */
static bool put_chosen(struct output *out, const struct fdt *fdt, u32 node,
		       const struct chosen *chosen)
{
	const u8 *block = fdt->base + fdt->structure;
	struct text xen_words = boot_words(fdt, node);
	struct text dom0_words = cut_dom0_words(&xen_words);
	struct fdt_token token;
	struct cells cells;
	u32 at;

	put_be32(out, FDT_BEGIN_NODE);
	put_bytes(out, "chosen\0", 8);
	cells = put_properties(out, fdt, node, chosen, xen_words, dom0_words);
	if (!cells_hold(cells, chosen) ||
	    !domains_fit_cells(chosen->domains, cells.address, cells.size))
		return false;
	at = node == FDT_NONE ? FDT_NONE : fdt_token(fdt, node).next;
	while (at != FDT_NONE) {
		token = fdt_token(fdt, at);
		if (token.tag == FDT_END_NODE)
			break;
		if (token.tag == FDT_BEGIN_NODE)
			token.next = fdt_behind(fdt, at);
		if (!(token.tag == FDT_PROP && is_dropped_property(token.name)) &&
		    !(token.tag == FDT_BEGIN_NODE && is_old_module(fdt, at)))
			put_bytes(out, block + at, token.next - at);
		at = token.next;
	}
	put_modules(out, chosen, cells);
	put_domains(out, fdt, chosen, chosen->kernel.size ? no_words(fdt) : dom0_words);
	put_be32(out, FDT_END_NODE);
	return true;
}

/* Copies the old block from `at` to `end`; nodes that guests get are marked, for Xen to keep them
 * from dom0. */
static void put_old(struct output *out, const struct fdt *fdt, const struct chosen *chosen, u32 at,
		    u32 end)
{
	const u8 *block = fdt->base + fdt->structure;
	u32 copied = at;

	while (chosen->domains && at < end) {
		struct fdt_token token = fdt_token(fdt, at);

		if (token.tag == FDT_BEGIN_NODE && is_passed_through(fdt, at, chosen->domains)) {
			put_bytes(out, block + copied, token.next - copied);
			put_property(out, "xen,passthrough", 0);
			copied = token.next;
		}
		at = token.next;
	}
	put_bytes(out, block + copied, end - copied);
}

/* The structure block: the old one up to /chosen, the new /chosen, the rest of the old one. */
static bool put_structure(struct output *out, const struct fdt *fdt, const struct chosen *chosen)
{
	u32 root = fdt_root(fdt);
	u32 node = fdt_find_child(fdt, root, "chosen", 6);
	u32 before, behind;

	if (node == FDT_NONE)
		before = behind = fdt_behind(fdt, root) - 4; /* the root's FDT_END_NODE */
	else {
		before = node;
		behind = fdt_behind(fdt, node);
	}
	put_old(out, fdt, chosen, 0, before);
	if (!put_chosen(out, fdt, node, chosen))
		return false;
	put_old(out, fdt, chosen, behind, fdt_behind(fdt, root));
	put_be32(out, FDT_END);
	return true;
}

static void put_header(struct output *out, const struct fdt *fdt, u32 structure, u32 strings)
{
	u32 end = out->at;

	out->at = 0;
	put_be32(out, FDT_MAGIC);
	put_be32(out, end);
	put_be32(out, structure);
	put_be32(out, strings);
	put_be32(out, FDT_HEADER);
	put_be32(out, 17);
	put_be32(out, 16);
	put_be32(out, fdt->boot_cpu);
	put_be32(out, end - strings);
	put_be32(out, strings - structure);
	out->at = end;
}

const char *chosen_write(const struct fdt *fdt, const struct chosen *chosen, void *to, u32 room)
{
	struct output out = {.base = to, .room = room, .old_names = fdt->strings_size};
	const struct fdt *domains = chosen->domains;
	u32 structure, strings;

	if (room < FDT_HEADER)
		return "there is no room for the device tree";
	out.domain_names = out.old_names + sizeof(new_names);
	out.at = FDT_HEADER;
	put_bytes(&out, fdt->base + fdt->reserved, fdt->reserved_size);
	structure = out.at;
	if (!put_structure(&out, fdt, chosen))
		return "/chosen has cells that cannot hold the address of a module";
	strings = out.at;
	put_bytes(&out, fdt->base + fdt->strings, fdt->strings_size);
	put_bytes(&out, new_names, sizeof(new_names));
	if (domains)
		put_bytes(&out, domains->base + domains->strings, domains->strings_size);
	if (out.full || out.at > FDT_MAX_SIZE)
		return "there is no room for the device tree";
	put_header(&out, fdt, structure, strings);
	return NULL;
}
