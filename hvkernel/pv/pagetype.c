/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "asm/geometry.h"
#include "errno.h"
#include "guest.h"
#include "lib.h"
#include "pagetype.h"
#include "tlb.h"

/* Takes away, adds and judges the bits of an entry; of one that is not present nothing matters. */
static int entry_check(unsigned int level, u64 *e)
{
	if (!(*e & PTE_P))
		return 0;
	*e = (*e & ~pt_ignored(level)) | pt_forced(level);
	/* Address bits above any frame number must not fall off: CR3 does not load with them. */
	if ((u64)pte_mfn(*e) << PAGE_SHIFT != (*e & PTE_MFN))
		return -EINVAL;
	return *e & ~(PTE_MFN | pt_allowed(level)) ? -EINVAL : 0;
}

static int leaf_get(u64 e, struct domain *d, const struct domain *owner)
{
	struct page *page = page_of(pte_mfn(e));
	int error;

	/* A frame that a guest only says is its own is none that dom0 may map in its name. */
	if (!page)
		return io_frame_allowed(d, pte_mfn(e)) && io_frame_allowed(owner, pte_mfn(e))
			   ? 0
			   : -EPERM;
	if (!page_get(page, owner))
		return -EINVAL;
	if (!(e & PTE_RW))
		return 0;
	error = page_get_type(page, PT_WRITABLE);
	if (error)
		page_put(page);
	return error;
}

static void leaf_put(u64 e)
{
	struct page *page = page_of(pte_mfn(e));

	if (!page)
		return;
	if (e & PTE_RW)
		page_put_type(page);
	page_put(page);
}

static int entry_get(u32 type, unsigned int index, u64 e, struct domain *d,
		     const struct domain *owner)
{
	struct page *page;

	if (!(e & PTE_P))
		return 0;
	if (type == PT_L1)
		return leaf_get(e, d, owner);
	return page_get_both(pte_mfn(e), d, pt_child(type, index), &page);
}

static void entry_put(u32 type, u64 e)
{
	if (!(e & PTE_P))
		return;
	if (type == PT_L1)
		leaf_put(e);
	else
		page_put_both(page_of(pte_mfn(e)));
}

static void put_entries(u32 type, const pte_t *table, unsigned int count)
{
	while (count--)
		if (!pt_reserved(type, count))
			entry_put(type, table[count]);
}

static int validate_table(struct page *page, u32 type)
{
	struct domain *d = domain_in_slot(page->owner);
	unsigned int level = pt_level(type), count = pt_entries(level), i;
	pte_t *table = map_frame(mfn_of(page));
	int error = 0;

	for (i = 0; i < count; i++) {
		u64 e = table[i];

		if (pt_reserved(type, i))
			continue;
		error = entry_check(level, &e);
		if (!error)
			error = entry_get(type, i, e, d, d);
		if (error)
			break;
		if (e != table[i])
			table[i] = e;
	}
	if (error)
		put_entries(type, table, i);
	for (i = PT_RESERVED_FIRST; !error && type == PT_RESERVED_TYPE && i < PT_RESERVED_END; i++)
		table[i] = hv_root_entry(i);
	unmap_frame(table);
	return error;
}

static int validate(struct page *page, u32 type)
{
	if (type_is_table(type))
		return validate_table(page, type);
	if (type == PT_DESC)
		return descriptors_check(page) ? 0 : -EINVAL;
	return 0;
}

static int new_type(struct page *page, u32 type)
{
	int error;

	/* Somebody may still have a translation, or a cached upper level, from its last life. */
	if ((page->type & PT_TYPE) != type && (page->type & PT_TYPE) != PT_NONE)
		tlb_flush_since(page->stamp);
	page->type = (page->type & PT_PINNED) | type | 1;
	error = validate(page, type);
	page->type = error ? PT_NONE : page->type | PT_VALIDATED;
	return error;
}

int page_get_type(struct page *page, u32 type)
{
	u32 count = page->type & PT_COUNT;

	if (!count)
		return new_type(page, type);
	if ((page->type & PT_TYPE) != type)
		return -EBUSY;
	/* A table that leads to itself is met here while it is being checked. */
	if (!(page->type & PT_VALIDATED) || count == PT_COUNT)
		return -EINVAL;
	page->type++;
	return 0;
}

void page_put_type(struct page *page)
{
	u32 type = page->type & PT_TYPE;
	pte_t *table;

	ASSERT(page->type & PT_COUNT);
	if (--page->type & PT_COUNT)
		return;
	page->type &= ~PT_VALIDATED;
	if (type_is_table(type)) {
		table = map_frame(mfn_of(page));
		put_entries(type, table, pt_entries(pt_level(type)));
		unmap_frame(table);
	}
	page->stamp = tlb_clock;
}

int page_get_both(mfn_t mfn, struct domain *d, u32 type, struct page **out)
{
	struct page *page = page_of(mfn);
	int error;

	if (!page || !page_get(page, d))
		return -EINVAL;
	error = page_get_type(page, type);
	if (error)
		page_put(page);
	else
		*out = page;
	return error;
}

void page_put_both(struct page *page)
{
	page_put_type(page);
	page_put(page);
}

u64 table_read(struct page *page, unsigned int index)
{
	pte_t *table = map_frame(mfn_of(page));
	u64 e = __atomic_load_n(&table[index], __ATOMIC_RELAXED);

	unmap_frame(table);
	return e;
}

/* The CPU may set A and D at any time; with `preserve` they are kept. Returns what was there. */
static u64 entry_write(struct page *page, unsigned int index, u64 e, bool preserve)
{
	pte_t *table = map_frame(mfn_of(page));
	u64 old = __atomic_load_n(&table[index], __ATOMIC_RELAXED), wanted;

	do
		wanted = preserve ? e | (old & (PTE_A | PTE_D)) : e;
	while (!__atomic_compare_exchange_n(&table[index], &old, wanted, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_RELAXED));
	unmap_frame(table);
	return old;
}

static bool same_frame_no_more_rights(u32 type, u64 old, u64 e)
{
	u64 both = PTE_P | PTE_MFN;

	if (!(old & PTE_P) || (old & both) != (e & both))
		return false;
	return type != PT_L1 || (old & PTE_RW) == (e & PTE_RW);
}

int table_update(struct page *page, unsigned int index, u64 e, struct domain *d,
		 struct domain *owner, bool preserve_ad)
{
	u32 type = page->type & PT_TYPE;
	unsigned int level = pt_level(type);
	u64 old;
	int error;

	if (!type_is_table(type) || !(page->type & PT_VALIDATED) || index >= pt_entries(level) ||
	    pt_reserved(type, index))
		return -EINVAL;
	error = entry_check(level, &e);
	if (error)
		return error;
	preserve_ad &= (e & PTE_P) && level < PT_LEVELS;
	old = table_read(page, index);
	if (same_frame_no_more_rights(type, old, e)) {
		entry_write(page, index, e, preserve_ad);
	} else {
		error = entry_get(type, index, e, d, owner);
		if (error)
			return error;
		old = entry_write(page, index, e, preserve_ad);
		entry_put(type, old);
	}
	if (type == PT_ROOT)
		root_changed(d, page);
	return 0;
}

int table_set_granted(struct page *page, unsigned int index, u64 e)
{
	if ((page->type & PT_TYPE) != PT_L1 || !(page->type & PT_VALIDATED) || index >= 512)
		return -EINVAL;
	if (entry_check(1, &e))
		return -EINVAL;
	entry_put(PT_L1, entry_write(page, index, e, false));
	return 0;
}
