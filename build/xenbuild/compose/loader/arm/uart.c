/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "uart.h"
#include "text.h"

#define MAX_DEPTH 8

/* A node with all its ancestors; nodes[0] is the root. */
struct path {
	u32 nodes[MAX_DEPTH];
	u32 count;
};

static size_t span(const char *s, size_t size, char a, char b)
{
	size_t n = 0;

	while (n < size && s[n] && s[n] != a && s[n] != b)
		n++;
	return n;
}

static bool resolve(const struct fdt *fdt, const char *s, size_t size, struct path *path)
{
	size_t at = 0;

	path->nodes[0] = fdt_root(fdt);
	path->count = 1;
	while (at < size) {
		size_t length;
		u32 child;

		at++; /* the slash */
		length = span(s + at, size - at, '/', 0);
		if (path->count == MAX_DEPTH)
			return false;
		child = fdt_find_child(fdt, path->nodes[path->count - 1], s + at, length);
		if (child == FDT_NONE)
			return false;
		path->nodes[path->count++] = child;
		at += length;
	}
	return true;
}

/* The property's text up to its options ("serial0:115200n8"), through /aliases if it is a name. */
static bool stdout_path(const struct fdt *fdt, struct path *path)
{
	u32 root = fdt_root(fdt);
	u32 chosen = fdt_find_child(fdt, root, "chosen", 6);
	u32 aliases = fdt_find_child(fdt, root, "aliases", 7);
	struct fdt_value value;
	char alias[32];
	size_t size;

	if (chosen == FDT_NONE || !fdt_property(fdt, chosen, "stdout-path", &value))
		return false;
	size = span((const char *)value.bytes, value.size, ':', 0);
	if (!size)
		return false;
	if (value.bytes[0] != '/') {
		if (size >= sizeof(alias) || aliases == FDT_NONE)
			return false;
		memcpy(alias, value.bytes, size);
		alias[size] = 0;
		if (!fdt_property(fdt, aliases, alias, &value))
			return false;
		size = span((const char *)value.bytes, value.size, ':', 0);
		if (!size || value.bytes[0] != '/')
			return false;
	}
	return resolve(fdt, (const char *)value.bytes, size, path);
}

/* Through one bus's `ranges` (Devicetree Specification 2.3.8): child address to parent address. */
static bool translate(const struct fdt *fdt, u32 bus, u32 parent, paddr *address)
{
	u32 child_cells = fdt_cells(fdt, bus, "#address-cells", 2);
	u32 size_cells = fdt_cells(fdt, bus, "#size-cells", 1);
	u32 parent_cells = fdt_cells(fdt, parent, "#address-cells", 2);
	struct fdt_value ranges;
	u32 entry;

	if (!fdt_property(fdt, bus, "ranges", &ranges))
		return false;
	if (!ranges.size)
		return true;
	if (child_cells > 4 || size_cells > 4 || parent_cells > 4)
		return false;
	entry = 4 * (child_cells + parent_cells + size_cells);
	if (!entry)
		return false;
	for (u32 at = 0; at + entry <= ranges.size; at += entry) {
		const u8 *p = ranges.bytes + at;
		u64 child = fdt_number(p, child_cells);
		u64 up = fdt_number(p + 4 * child_cells, parent_cells);
		u64 size = fdt_number(p + 4 * (child_cells + parent_cells), size_cells);

		if (*address >= child && *address - child < size) {
			*address = *address - child + up;
			return true;
		}
	}
	return false;
}

static bool find_address(const struct fdt *fdt, const struct path *path, paddr *address)
{
	u32 last = path->count - 1;
	struct fdt_value reg;
	u32 cells;

	if (!last)
		return false;
	cells = fdt_cells(fdt, path->nodes[last - 1], "#address-cells", 2);
	if (cells < 1 || cells > 4 || !fdt_property(fdt, path->nodes[last], "reg", &reg) ||
	    reg.size < 4 * cells)
		return false;
	*address = fdt_number(reg.bytes, cells);
	for (u32 i = last - 1; i > 0; i--)
		if (!translate(fdt, path->nodes[i], path->nodes[i - 1], address))
			return false;
	return true;
}

static enum uart_kind kind_of(const struct fdt *fdt, u32 node)
{
	static const char pl011[] = "arm,pl011\0arm,sbsa-uart\0";
	static const char ns8250[] = "ns16550a\0ns16550\0ns8250\0snps,dw-apb-uart\0"
				     "brcm,bcm2835-aux-uart\0";

	for (const char *s = pl011; *s; s += text_length(s) + 1)
		if (fdt_lists(fdt, node, "compatible", s))
			return UART_PL011;
	for (const char *s = ns8250; *s; s += text_length(s) + 1)
		if (fdt_lists(fdt, node, "compatible", s))
			return UART_8250;
	return UART_NONE;
}

struct uart uart_find(const struct fdt *fdt)
{
	struct uart uart = {.kind = UART_NONE};
	struct path path;
	u32 node;
	bool pi; /* whose tree leaves out what the binding says is so */

	if (!stdout_path(fdt, &path))
		return uart;
	node = path.nodes[path.count - 1];
	if (!find_address(fdt, &path, &uart.address))
		return uart;
	uart.address += fdt_cells(fdt, node, "reg-offset", 0);
	pi = fdt_lists(fdt, node, "compatible", "brcm,bcm2835-aux-uart");
	uart.shift = fdt_cells(fdt, node, "reg-shift", pi ? 2 : 0);
	uart.width = fdt_cells(fdt, node, "reg-io-width", pi ? 4 : 1);
	uart.kind = kind_of(fdt, node);
	if (uart.shift > 4 || (uart.width != 1 && uart.width != 4))
		uart.kind = UART_NONE;
	return uart;
}
