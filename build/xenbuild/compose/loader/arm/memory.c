/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "memory.h"
#include "text.h"

struct range {
	paddr start, end;
};

/* The `index`th range of a node's reg property; false behind the last. */
static bool reg_range(const struct fdt *fdt, u32 parent, u32 node, u32 index, struct range *range)
{
	u32 address = fdt_cells(fdt, parent, "#address-cells", 2);
	u32 size = fdt_cells(fdt, parent, "#size-cells", 1);
	struct fdt_value reg;
	u32 entry;

	if (!fdt_property(fdt, node, "reg", &reg) || address < 1 || address > 4 || size < 1 ||
	    size > 4)
		return false;
	entry = 4 * (address + size);
	if (reg.size < entry || index > (reg.size - entry) / entry)
		return false;
	range->start = fdt_number(reg.bytes + index * entry, address);
	range->end = range->start + fdt_number(reg.bytes + index * entry + 4 * address, size);
	return true;
}

/* The next bank of RAM; `node` and `index` hold the place, and start as the first child and 0. */
static bool next_bank(const struct fdt *fdt, u32 *node, u32 *index, struct range *bank)
{
	for (; *node != FDT_NONE; *node = fdt_sibling(fdt, *node), *index = 0)
		if (fdt_lists(fdt, *node, "device_type", "memory") &&
		    reg_range(fdt, fdt_root(fdt), *node, (*index)++, bank))
			return true;
	return false;
}

u64 memory_total(const struct fdt *fdt)
{
	u32 node = fdt_child(fdt, fdt_root(fdt)), index = 0;
	struct range bank;
	u64 total = 0;

	while (next_bank(fdt, &node, &index, &bank))
		total += bank.end - bank.start;
	return total;
}

bool memory_holds(const struct fdt *fdt, paddr start, paddr end)
{
	while (start < end) {
		u32 node = fdt_child(fdt, fdt_root(fdt)), index = 0;
		struct range bank;
		bool found = false;

		while (!found && next_bank(fdt, &node, &index, &bank))
			found = bank.start <= start && start < bank.end;
		if (!found)
			return false;
		start = bank.end;
	}
	return true;
}

static bool overlap(struct range a, struct range b)
{
	return a.start < b.end && b.start < a.end;
}

const char *memory_reserved(const struct fdt *fdt, paddr start, paddr end)
{
	const struct range own = {start, end};
	u32 parent = fdt_find_child(fdt, fdt_root(fdt), "reserved-memory", 15);
	struct range other;

	for (u32 at = 0; at + 16 < fdt->reserved_size; at += 16) {
		other.start = fdt_number(fdt->base + fdt->reserved + at, 2);
		other.end = other.start + fdt_number(fdt->base + fdt->reserved + at + 8, 2);
		if (overlap(own, other))
			return "/memreserve/";
	}
	if (parent == FDT_NONE)
		return NULL;
	for (u32 node = fdt_child(fdt, parent); node != FDT_NONE; node = fdt_sibling(fdt, node))
		for (u32 index = 0; reg_range(fdt, parent, node, index, &other); index++)
			if (overlap(own, other))
				return fdt_name(fdt, node);
	return NULL;
}
