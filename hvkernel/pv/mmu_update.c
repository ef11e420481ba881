/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercalls 1 mmu_update, 14 and 22 update_va_mapping. */
#include "abi/memory.h"
#include "asm/geometry.h"
#include "asm/machphys.h"
#include "cpus.h"
#include "errno.h"
#include "guest.h"
#include "lib.h"
#include "pagetype.h"
#include "sched.h"
#include "space.h"
#include "tlb.h"

/* Whose tables, and whose frames they map: both the caller, unless dom0 says otherwise. */
struct parties {
	struct domain *tables, *frames;
};

static struct domain *party(u32 id)
{
	struct domain *self = current->domain, *d;

	if (id == DOMID_IO) /* device memory has no owner: leaf_get asks who may map it */
		return self->arch.io_allowed ? self : NULL;
	d = domain_for((domid_t)id);
	return d && !d->dying ? d : NULL;
}

static int find_parties(u32 foreign, struct parties *p)
{
	p->tables = p->frames = current->domain;
	if (foreign >> 16)
		p->tables = party((foreign >> 16) - 1);
	if ((foreign & 0xffff) != DOMID_SELF)
		p->frames = party(foreign & 0xffff);
	return p->tables && p->frames ? 0 : -ESRCH;
}

/* A frame that is no table now is written like memory. */
static int write_plain(struct page *page, unsigned int offset, u64 value)
{
	int error = page_get_type(page, PT_WRITABLE);
	u8 *at;

	if (error)
		return error;
	at = map_frame(mfn_of(page));
	memcpy(at + offset, &value, sizeof(value));
	unmap_frame(at);
	page_put_type(page);
	return 0;
}

static int update_table(const struct parties *p, u64 address, u64 value, bool preserve)
{
	mfn_t mfn = (mfn_t)(address >> PAGE_SHIFT);
	unsigned int offset = (unsigned int)(address & (PAGE_SIZE - 1));
	struct page *page = address >> PAGE_SHIFT < max_frame ? page_of(mfn) : NULL;
	int error;

	if (!page || offset % sizeof(u64) || !page_get(page, p->tables))
		return -EINVAL;
	if (page->type & PT_COUNT && type_is_table(page->type))
		error =
		    table_update(page, offset / sizeof(u64), value, p->tables, p->frames, preserve);
	else
		error = write_plain(page, offset, value);
	page_put(page);
	return error;
}

static int update_machphys(const struct parties *p, u64 address, u64 value)
{
	struct page *page =
	    address >> PAGE_SHIFT < max_frame ? page_of((mfn_t)(address >> PAGE_SHIFT)) : NULL;

	if (!page || !page_get(page, p->frames))
		return -EINVAL;
	machphys_set(mfn_of(page), (ulong)value);
	page_put(page);
	return 0;
}

static int update_one(const struct parties *p, const struct mmu_update *u)
{
	u64 address = u->ptr & ~3ull;

	switch (u->ptr & 3) {
	case MMU_NORMAL_PT_UPDATE:
	case MMU_PT_UPDATE_NO_TRANS:
		return update_table(p, address, u->val, false);
	case MMU_PT_UPDATE_PRESERVE:
		return update_table(p, address, u->val, true);
	case MMU_MACHPHYS_UPDATE:
	default:
		return update_machphys(p, address, u->val);
	}
}

/* Arguments: requests, count, where the number done is told, the parties. */
long mmu_update(ulong *args)
{
	u32 count = (u32)args[1] & ~MMU_UPDATE_PREEMPTED, done = 0, first;
	struct parties p;
	long error;

	if (args[1] & MMU_UPDATE_PREEMPTED && args[2] &&
	    !copy_from_guest(&done, args[2], sizeof(done)))
		return -EFAULT;
	error = find_parties((u32)args[3], &p);
	for (first = done; !error && count; count--, done++) {
		struct mmu_update u;

		if (done != first && preempt_wanted()) {
			error = -ECONTINUE;
			break;
		}
		if (!copy_from_guest(&u, args[0], sizeof(u)))
			error = -EFAULT;
		else
			error = update_one(&p, &u);
		if (error)
			break;
		args[0] += sizeof(u);
	}
	args[1] = count | MMU_UPDATE_PREEMPTED;
	if (args[2] && !copy_to_guest(args[2], &done, sizeof(done)))
		return -EFAULT;
	return error;
}

ulong vcpu_mask_cpus(ulong at)
{
	struct domain *d = current->domain;
	ulong mask = 0, cpus_of = 0;

	if (!copy_from_guest(&mask, at, (d->max_vcpus + 7) / 8))
		return domain_cpus(d);
	for (unsigned int i = 0; i < d->max_vcpus; i++)
		if (mask & BIT(i) && d->vcpu[i]->running)
			cpus_of |= BIT(d->vcpu[i]->cpu);
	return cpus_of;
}

static int flush_after(ulong va, ulong flags)
{
	ulong scope = flags & ~(ulong)UVMF_FLUSHTYPE_MASK;
	ulong self = BIT(this_cpu()->id);

	if (!(flags & UVMF_FLUSHTYPE_MASK))
		return 0;
	if (!scope) {
		if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_INVLPG)
			tlb_invlpg_local(va);
		else
			tlb_flush_cpus(self);
		return 0;
	}
	tlb_flush_cpus(scope == UVMF_ALL ? domain_cpus(current->domain) : vcpu_mask_cpus(scope));
	return 0;
}

long update_va_mapping(ulong va, u64 entry, ulong flags, domid_t id)
{
	struct domain *self = current->domain;
	struct domain *owner = id == DOMID_SELF ? self : party(id);
	unsigned int index;
	struct page *page;
	int error;

	if (!owner)
		return -ESRCH;
	page = space_walk(va, 1, &index);
	if (!page)
		return -EINVAL;
	error = table_update(page, index, entry, self, owner, false);
	return error ? error : flush_after(va, flags);
}
