/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercall 12, memory_op: domains take memory up to their limit and give it back. */
#include "abi/memory.h"
#include "asm/machphys.h"
#include "cpus.h"
#include "errno.h"
#include "frame.h"
#include "guest.h"
#include "hypercall.h"
#include "lib.h"
#include "sched.h"

/* The number of extents done so far waits in the command's upper bits, as in Xen. */
#define START_SHIFT 6
#define CMD_MASK    0x3f

static bool populate_one(struct domain *d, const struct memory_reservation *r, ulong at, bool named)
{
	ulong gpfn = 0;
	mfn_t mfn;

	if (named && !copy_from_guest(&gpfn, at, sizeof(gpfn)))
		return false;
	mfn = domain_frames_alloc(d, r->extent_order);
	if (mfn == INVALID_MFN)
		return false;
	for (ulong i = 0; named && i < 1ul << r->extent_order; i++)
		machphys_set(mfn + i, gpfn + i);
	if (!r->extent_start)
		return true;
	return copy_to_guest(at, &mfn, sizeof(mfn));
}

static bool give_back_one(struct domain *d, const struct memory_reservation *r, ulong at)
{
	ulong mfn;

	if (!copy_from_guest(&mfn, at, sizeof(mfn)))
		return false;
	for (ulong i = 0; i < 1ul << r->extent_order; i++) {
		struct page *page = page_of(mfn + i);

		if (!page || page->spare || !page_get(page, d))
			return false;
		page_give_up(page);
		page_put(page);
	}
	return true;
}

static long reservation(u32 cmd, ulong *args)
{
	struct memory_reservation r;
	ulong i = args[0] >> START_SHIFT, first = i;
	struct domain *d;

	if (!copy_from_guest(&r, args[1], sizeof(r)))
		return -EFAULT;
	d = domain_for(r.domid);
	if (!d)
		return -ESRCH;
	if (r.nr_extents > ~0ul >> START_SHIFT || r.extent_order > MAX_ORDER || i > r.nr_extents)
		return (long)i;
	if (r.extent_order > 9 && !current->domain->privileged)
		return (long)i;
	if (cmd != XENMEM_increase_reservation && !r.extent_start)
		return (long)i;
	for (; i < r.nr_extents; i++) {
		ulong at = r.extent_start + i * sizeof(ulong);
		bool done;

		if (i != first && preempt_wanted()) {
			args[0] = cmd | i << START_SHIFT;
			return -ECONTINUE;
		}
		if (cmd == XENMEM_decrease_reservation)
			done = give_back_one(d, &r, at);
		else
			done = populate_one(d, &r, at, cmd == XENMEM_populate_physmap);
		if (!done)
			break;
	}
	return (long)i;
}

static long domain_limit(u32 cmd, ulong arg)
{
	struct domain *d;
	domid_t id;

	if (!copy_from_guest(&id, arg, sizeof(id)))
		return -EFAULT;
	d = domain_for(id);
	if (!d)
		return -ESRCH;
	if (cmd == XENMEM_current_reservation)
		return (long)d->tot_pages;
	if (cmd == XENMEM_maximum_gpfn)
		return (long)d->shared->arch.max_pfn - 1;
	return (long)d->max_pages;
}

static long memory_map_op(u32 cmd, ulong arg)
{
	struct memory_map map;
	long error;

	if (cmd == XENMEM_memory_map)
		return -ENOSYS; /* a PV guest has no map but its p2m */
	if (!current->domain->privileged)
		return -EPERM;
	if (!copy_from_guest(&map, arg, sizeof(map)))
		return -EFAULT;
	error = arch_machine_memory_map(&map);
	if (!error && !copy_to_guest(arg, &map, sizeof(map)))
		error = -EFAULT;
	return error;
}

static long machphys(ulong arg)
{
	struct machphys_mapping map = {MACHPHYS_GUEST, MACHPHYS_GUEST_END, max_frame - 1};

	return copy_to_guest(arg, &map, sizeof(map)) ? 0 : -EFAULT;
}

long memory_op(ulong *args)
{
	u32 cmd = args[0] & CMD_MASK;

	switch (cmd) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		return reservation(cmd, args);
	case XENMEM_maximum_ram_page:
		return (long)max_frame - 1;
	case XENMEM_current_reservation:
	case XENMEM_maximum_reservation:
	case XENMEM_maximum_gpfn:
		return domain_limit(cmd, args[1]);
	case XENMEM_memory_map:
	case XENMEM_machine_memory_map:
		return memory_map_op(cmd, args[1]);
	case XENMEM_machphys_mapping:
		return machphys(args[1]);
	default:
		return -ENOSYS;
	}
}
