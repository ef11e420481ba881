/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "asm/geometry.h"
#include "asm/layout.h"
#include "cpus.h"
#include "errno.h"
#include "grant.h"
#include "guest.h"
#include "lib.h"
#include "pagetype.h"
#include "sched.h"
#include "space.h"
#include "tlb.h"

static unsigned int index_of(ulong va, unsigned int level)
{
	return (unsigned int)(va >> (3 + 9 * level)) & (pt_entries(level) - 1);
}

struct page *space_walk(ulong va, unsigned int level, unsigned int *index)
{
	struct vcpu *v = current;
	struct page *page = v->arch.in_kernel ? v->arch.root : v->arch.root_user;
	unsigned int at = PT_LEVELS;

	while (page) {
		u32 type = page->type & PT_TYPE;
		u64 e;

		*index = index_of(va, at);
		if (pt_reserved(type, *index))
			return NULL;
		if (at == level)
			return page;
		e = table_read(page, *index);
		/* Below a checked table there are only checked tables, of the same domain. */
		page = e & PTE_P ? page_of(pte_mfn(e)) : NULL;
		at--;
	}
	return NULL;
}

int space_set_root(struct vcpu *v, mfn_t mfn, bool user)
{
	struct page *page = NULL, **root = user ? &v->arch.root_user : &v->arch.root, *old = *root;
	int error;

	if (old && mfn_of(old) == mfn) {
		if (v == current)
			space_load(v);
		return 0;
	}
	if (mfn || !user) {
		error = page_get_both(mfn, v->domain, PT_ROOT, &page);
		if (error)
			return error;
	}
	*root = page;
	if (v == current)
		space_load(v);
	if (old)
		page_put_both(old);
	return 0;
}

void space_toggle(struct vcpu *v)
{
	u64 base;

	if (!v->arch.in_kernel) {
		base = rdmsr(MSR_GS_BASE);
		v->arch.gs_base_user = base;
		wrmsr(MSR_GS_BASE, v->arch.gs_base_kernel);
	} else {
		base = rdmsr(MSR_GS_BASE);
		v->arch.gs_base_kernel = base;
		wrmsr(MSR_GS_BASE, v->arch.gs_base_user);
	}
	v->arch.in_kernel = !v->arch.in_kernel;
	space_load(v);
}

void space_drop(struct vcpu *v)
{
	struct page *root = v->arch.root, *user = v->arch.root_user;

	space_set_gdt(v, NULL, 0);
	space_set_ldt(v, 0, 0);
	vcpu_drop_info(v);
	v->arch.root = v->arch.root_user = NULL;
	if (root)
		page_put_both(root);
	if (user)
		page_put_both(user);
}

static struct page *granted_table(u64 host_addr, u32 flags, unsigned int *index)
{
	struct page *page;

	if (!(flags & GNTMAP_contains_pte))
		return host_addr <= ~0ul ? space_walk((ulong)host_addr, 1, index) : NULL;
	page =
	    host_addr >> PAGE_SHIFT < max_frame ? page_of((mfn_t)(host_addr >> PAGE_SHIFT)) : NULL;
	*index = (host_addr & (PAGE_SIZE - 1)) / sizeof(u64);
	if (host_addr % sizeof(u64) || !page || page->owner != current->domain->slot)
		return NULL;
	return (page->type & PT_TYPE) == PT_L1 && page->type & PT_VALIDATED ? page : NULL;
}

static paddr_t entry_address(const struct page *table, unsigned int index)
{
	return ((paddr_t)mfn_of(table) << PAGE_SHIFT) + index * sizeof(u64);
}

/* The entry takes references of its own, like any other; the handle has others. */
int grant_pte_map(u64 host_addr, u32 flags, struct page *page, paddr_t *where)
{
	unsigned int index;
	struct page *table = granted_table(host_addr, flags, &index);
	bool write = !(flags & GNTMAP_readonly), replaces;
	u64 avail = (u64)(flags >> 16 & 7) << 9; /* GNTMAP_guest_avail0 to 2 are the entry's */
	u64 e = pte_of(mfn_of(page), PTE_P | PTE_A | PTE_D | pte_nx | avail | (write ? PTE_RW : 0));

	if (!table || (!(flags & GNTMAP_contains_pte) && host_addr & (PAGE_SIZE - 1)))
		return GNTST_bad_virt_addr;
	if ((page->refs & PG_REFS) >= PG_REFS_MAX)
		return GNTST_general_error;
	page->refs++;
	if (write && page_get_type(page, PT_WRITABLE)) {
		page_put(page);
		return GNTST_general_error;
	}
	replaces = table_read(table, index) & PTE_P;
	if (table_set_granted(table, index, e)) {
		if (write)
			page_put_type(page);
		page_put(page);
		return GNTST_general_error;
	}
	if (replaces)
		tlb_flush_cpus(domain_cpus(current->domain));
	*where = entry_address(table, index);
	return GNTST_okay;
}

int grant_pte_unmap(u64 host_addr, u32 flags, mfn_t mfn, paddr_t where)
{
	unsigned int index;
	struct page *table = granted_table(host_addr, flags, &index);
	u64 e;

	if (!table || entry_address(table, index) != where)
		return GNTST_bad_virt_addr;
	e = table_read(table, index);
	if (!(e & PTE_P) || pte_mfn(e) != mfn)
		return GNTST_general_error;
	return table_set_granted(table, index, 0) ? GNTST_general_error : GNTST_okay;
}
