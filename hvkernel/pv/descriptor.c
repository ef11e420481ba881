/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests' GDTs and LDTs: their pages are read only for them, every entry is checked. */
#include "abi/memory.h"
#include "asm/geometry.h"
#include "cpus.h"
#include "errno.h"
#include "guest.h"
#include "lib.h"
#include "pagetype.h"
#include "space.h"

bool descriptors_check(struct page *page)
{
	pte_t *table = map_frame(mfn_of(page));
	bool good = true;

	for (unsigned int i = 0; good && i < 512; i++)
		good = descriptor_check(&table[i]);
	unmap_frame(table);
	return good;
}

static int hold_tables(struct domain *d, const ulong *frames, unsigned int count,
		       struct page **pages)
{
	for (unsigned int i = 0; i < count; i++)
		if (page_get_both(frames[i], d, PT_DESC, &pages[i])) {
			while (i--)
				page_put_both(pages[i]);
			return -EINVAL;
		}
	return 0;
}

int space_set_gdt(struct vcpu *v, const ulong *frames, ulong entries)
{
	unsigned int count = (unsigned int)((entries + 511) / 512);
	struct page *pages[FIRST_RESERVED_GDT_PAGE] = {NULL}, *old;

	if (entries > FIRST_RESERVED_GDT_ENTRY)
		return -EINVAL;
	if (hold_tables(v->domain, frames, count, pages))
		return -EINVAL;
	v->arch.gdt_entries = entries;
	for (unsigned int i = 0; i < FIRST_RESERVED_GDT_PAGE; i++) {
		old = v->arch.gdt[i];
		v->arch.gdt[i] = pages[i];
		pages[i] = old;
	}
	if (v == current)
		space_load_descriptors(v);
	for (unsigned int i = 0; i < FIRST_RESERVED_GDT_PAGE; i++)
		if (pages[i])
			page_put_both(pages[i]);
	return 0;
}

/* The LDT is given by address: what its pages are now is what counts, and stays so. */
int space_set_ldt(struct vcpu *v, ulong base, ulong entries)
{
	unsigned int count = (unsigned int)((entries + 511) / 512), index;
	struct page *pages[16] = {NULL}, *old;
	ulong frames[16];

	if (entries > 8192 || base & (PAGE_SIZE - 1))
		return -EINVAL;
	if (!entries && !v->arch.ldt_entries)
		return 0;
	for (unsigned int i = 0; i < count; i++) {
		struct page *table = space_walk(base + i * PAGE_SIZE, 1, &index);
		u64 e = table ? table_read(table, index) : 0;

		if (!(e & PTE_P))
			return -EINVAL;
		frames[i] = pte_mfn(e);
	}
	if (hold_tables(v->domain, frames, count, pages))
		return -EINVAL;
	v->arch.ldt_entries = entries;
	v->arch.ldt_base = base;
	for (unsigned int i = 0; i < 16; i++) {
		old = v->arch.ldt[i];
		v->arch.ldt[i] = pages[i];
		pages[i] = old;
	}
	if (v == current)
		space_load_descriptors(v);
	for (unsigned int i = 0; i < 16; i++)
		if (pages[i])
			page_put_both(pages[i]);
	return 0;
}

long update_descriptor(u64 address, u64 descriptor)
{
	struct page *page =
	    address >> PAGE_SHIFT < max_frame ? page_of((mfn_t)(address >> PAGE_SHIFT)) : NULL;
	u32 type;
	pte_t *table;

	if (address % sizeof(u64) || !descriptor_check(&descriptor))
		return -EINVAL;
	if (!page || !page_get(page, current->domain))
		return -EINVAL;
	type = (page->type & PT_TYPE) == PT_DESC && page->type & PT_COUNT ? PT_DESC : PT_WRITABLE;
	if (page_get_type(page, type)) {
		page_put(page);
		return -EINVAL;
	}
	table = map_frame(mfn_of(page));
	__atomic_store_n(&table[(address & (PAGE_SIZE - 1)) / sizeof(u64)], descriptor,
			 __ATOMIC_SEQ_CST);
	unmap_frame(table);
	page_put_type(page);
	page_put(page);
	return 0;
}
