/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercall 26, mmuext_op. */
#include "abi/memory.h"
#include "asm/geometry.h"
#include "cpus.h"
#include "errno.h"
#include "guest.h"
#include "lib.h"
#include "pagetype.h"
#include "sched.h"
#include "space.h"
#include "tlb.h"

static int pin(struct domain *d, mfn_t mfn, u32 type)
{
	struct page *page;
	int error = page_get_both(mfn, d, type, &page);

	if (error)
		return error;
	if (page->type & PT_PINNED) {
		page_put_both(page);
		return -EINVAL;
	}
	page->type |= PT_PINNED;
	return 0;
}

static int unpin(struct domain *d, mfn_t mfn)
{
	struct page *page = page_of(mfn);

	if (!page || !page_get(page, d))
		return -EINVAL;
	if (!(page->type & PT_PINNED)) {
		page_put(page);
		return -EINVAL;
	}
	page->type &= ~PT_PINNED;
	page_put_both(page);
	page_put(page);
	return 0;
}

static int clear_or_copy(struct domain *d, mfn_t to, mfn_t from, bool copy)
{
	struct page *target, *source = NULL;
	void *t, *s;

	if (page_get_both(to, d, PT_WRITABLE, &target))
		return -EINVAL;
	if (copy) {
		source = page_of(from);
		if (!source || !page_get(source, d)) {
			page_put_both(target);
			return -EINVAL;
		}
	}
	t = map_frame(to);
	if (copy) {
		s = map_frame(from);
		memcpy(t, s, PAGE_SIZE);
		unmap_frame(s);
		page_put(source);
	} else {
		memset(t, 0, PAGE_SIZE);
	}
	unmap_frame(t);
	page_put_both(target);
	return 0;
}

static int set_user_root(mfn_t mfn)
{
	return PT_LEVELS == 4 ? space_set_root(current, mfn, true) : -ENOSYS;
}

static int pin_type(u32 cmd, u32 *type)
{
	unsigned int level = cmd - MMUEXT_PIN_L1_TABLE + 1;

	if (level > PT_LEVELS)
		return -EINVAL;
	*type = PT_L1 * level;
	return 0;
}

static int do_op(const struct mmuext_op *op, struct domain *d)
{
	ulong self = BIT(this_cpu()->id);
	u32 type;

	switch (op->cmd) {
	case MMUEXT_PIN_L1_TABLE:
	case MMUEXT_PIN_L2_TABLE:
	case MMUEXT_PIN_L3_TABLE:
	case MMUEXT_PIN_L4_TABLE:
		return pin_type(op->cmd, &type) ? -EINVAL : pin(d, op->arg1, type);
	case MMUEXT_UNPIN_TABLE:
		return unpin(d, op->arg1);
	case MMUEXT_NEW_BASEPTR:
		return d == current->domain ? space_set_root(current, op->arg1, false) : -EPERM;
	case MMUEXT_NEW_USER_BASEPTR:
		return d == current->domain ? set_user_root(op->arg1) : -EPERM;
	case MMUEXT_TLB_FLUSH_LOCAL:
		tlb_flush_cpus(self);
		return 0;
	case MMUEXT_INVLPG_LOCAL:
		tlb_invlpg_local(op->arg1);
		return 0;
	case MMUEXT_TLB_FLUSH_MULTI:
	case MMUEXT_INVLPG_MULTI:
		tlb_flush_cpus(vcpu_mask_cpus(op->arg2));
		return 0;
	case MMUEXT_TLB_FLUSH_ALL:
	case MMUEXT_INVLPG_ALL:
		tlb_flush_cpus(domain_cpus(current->domain));
		return 0;
	case MMUEXT_FLUSH_CACHE:
	case MMUEXT_FLUSH_CACHE_GLOBAL:
		if (!current->domain->arch.io_allowed)
			return -EACCES;
		cache_flush();
		return 0;
	case MMUEXT_SET_LDT:
		return space_set_ldt(current, op->arg1, (u32)op->arg2);
	case MMUEXT_CLEAR_PAGE:
		return clear_or_copy(d, op->arg1, 0, false);
	case MMUEXT_COPY_PAGE:
		return clear_or_copy(d, op->arg1, op->arg2, true);
	default:
		return -ENOSYS;
	}
}

/* Arguments: operations, count, where the number done is told, the domain. */
long mmuext_op(ulong *args)
{
	u32 count = (u32)args[1] & ~MMU_UPDATE_PREEMPTED, done = 0, first;
	struct domain *d = domain_for((domid_t)args[3]);
	long error = 0;

	if (!d || d->dying)
		return -ESRCH;
	if (args[1] & MMU_UPDATE_PREEMPTED && args[2] &&
	    !copy_from_guest(&done, args[2], sizeof(done)))
		return -EFAULT;
	for (first = done; count; count--, done++) {
		struct mmuext_op op;

		if (done != first && preempt_wanted()) {
			error = -ECONTINUE;
			break;
		}
		if (!copy_from_guest(&op, args[0], sizeof(op))) {
			error = -EFAULT;
			break;
		}
		error = do_op(&op, d);
		if (error)
			break;
		args[0] += sizeof(op);
	}
	args[1] = count | MMU_UPDATE_PREEMPTED;
	if (args[2] && !copy_to_guest(args[2], &done, sizeof(done)))
		return -EFAULT;
	return error;
}
