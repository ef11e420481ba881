/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercall 20, grant_table_op, and the handles of what a domain has mapped. */
#include "asm/machphys.h"
#include "cpus.h"
#include "errno.h"
#include "grant.h"
#include "guest.h"
#include "lib.h"
#include "sched.h"
#include "tlb.h"

static struct grant_maptrack *track_of(struct grant_table *t, u32 handle)
{
	if (handle >= t->maptrack_frames * MAPTRACK_PER_FRAME)
		return NULL;
	return &t->maptrack[handle / MAPTRACK_PER_FRAME][handle % MAPTRACK_PER_FRAME];
}

static bool handle_get(struct domain *d, u32 *handle)
{
	struct grant_table *t = d->grants;

	if (!t->free_handle) {
		u32 first = t->maptrack_frames * MAPTRACK_PER_FRAME;
		struct grant_maptrack *page;

		if (t->maptrack_frames == MAPTRACK_FRAMES_MAX || !(page = domain_hv_alloc(d, 0)))
			return false;
		t->maptrack[t->maptrack_frames++] = page;
		for (u32 i = 0; i < MAPTRACK_PER_FRAME; i++)
			page[i].next_free = i + 1 < MAPTRACK_PER_FRAME ? first + i + 2 : 0;
		t->free_handle = first + 1;
	}
	*handle = t->free_handle - 1;
	t->free_handle = track_of(t, *handle)->next_free;
	return true;
}

static void handle_put(struct grant_table *t, u32 handle)
{
	track_of(t, handle)->flags = 0;
	track_of(t, handle)->next_free = t->free_handle;
	t->free_handle = handle + 1;
}

static s16 map_one(struct grant_map *op)
{
	struct domain *self = current->domain;
	struct domain *d = op->dom == DOMID_SELF ? self : domain_by_id(op->dom);
	bool write = !(op->flags & GNTMAP_readonly);
	struct grant_maptrack *track;
	struct page *page;
	u32 handle;
	int status;

	if (!(op->flags & GNTMAP_host_map) || op->flags & (GNTMAP_device_map | GNTMAP_application))
		return GNTST_no_device_space;
	if (!d)
		return GNTST_bad_domain;
	if (!handle_get(self, &handle))
		return GNTST_no_space;
	status = grant_acquire(d, op->ref, self, write, &page);
	if (status) {
		handle_put(self->grants, handle);
		return (s16)status;
	}
	track = track_of(self->grants, handle);
	status = grant_pte_map(op->host_addr, op->flags, page, &track->pte);
	if (status) {
		grant_release(d, op->ref, write, page);
		handle_put(self->grants, handle);
		return (s16)status;
	}
	track->host_addr = op->host_addr;
	track->mfn = mfn_of(page);
	track->ref = op->ref;
	track->dom = d->id;
	track->flags = (u16)(op->flags & 0x1f);
	op->handle = handle;
	op->dev_bus_addr = (paddr_t)mfn_of(page) << PAGE_SHIFT;
	return GNTST_okay;
}

static void track_release(struct grant_table *t, u32 handle)
{
	struct grant_maptrack *track = track_of(t, handle);

	grant_release(domain_by_id(track->dom), track->ref, !(track->flags & GNTMAP_readonly),
		      page_of(track->mfn));
	handle_put(t, handle);
}

static s16 unmap_one(struct grant_unmap *op)
{
	struct grant_table *t = current->domain->grants;
	struct grant_maptrack *track = track_of(t, op->handle);
	int status;

	if (!track || !track->flags)
		return GNTST_bad_handle;
	if (op->host_addr != track->host_addr)
		return GNTST_bad_virt_addr;
	status = grant_pte_unmap(op->host_addr, track->flags, track->mfn, track->pte);
	if (status)
		return (s16)status;
	/* Before the granter learns that it is over, no CPU may know the translation any more. */
	tlb_flush_cpus(domain_cpus(current->domain));
	track_release(t, op->handle);
	return GNTST_okay;
}

int grants_release_maps(struct domain *d)
{
	struct grant_table *t = d->grants;

	for (u32 handle = 0; t && handle < t->maptrack_frames * MAPTRACK_PER_FRAME; handle++)
		if (track_of(t, handle)->flags)
			track_release(t, handle);
	return 0;
}

static s16 setup_table(const struct grant_setup_table *op)
{
	struct domain *d = domain_for(op->dom);

	if (!d || !d->grants)
		return op->dom == DOMID_SELF || current->domain->privileged
			   ? GNTST_bad_domain
			   : GNTST_permission_denied;
	if (grants_grow(d, op->nr_frames))
		return GNTST_general_error;
	for (ulong i = 0; i < op->nr_frames; i++) {
		ulong frame = direct_frame(d->grants->shared[i]);

		if (!copy_to_guest(op->frame_list + i * sizeof(ulong), &frame, sizeof(frame)))
			return GNTST_bad_virt_addr;
	}
	return GNTST_okay;
}

static s16 query_size(struct grant_query_size *op)
{
	struct domain *d = domain_for(op->dom);

	if (!d || !d->grants)
		return GNTST_bad_domain;
	op->nr_frames = d->grants->frames;
	op->max_nr_frames = d->grants->max_frames;
	return GNTST_okay;
}

static int set_version(ulong at)
{
	u32 wanted, version = 1;

	if (!copy_from_guest(&wanted, at, sizeof(wanted)))
		return -EFAULT;
	if (!copy_to_guest(at, &version, sizeof(version)))
		return -EFAULT;
	return wanted == 1 ? 0 : -EINVAL;
}

static int get_version(ulong at)
{
	struct grant_version op;

	if (!copy_from_guest(&op, at, sizeof(op)))
		return -EFAULT;
	if (!domain_for(op.dom))
		return -ESRCH;
	op.version = 1;
	return copy_to_guest(at, &op, sizeof(op)) ? 0 : -EFAULT;
}

union any_op {
	struct grant_map map;
	struct grant_unmap unmap;
	struct grant_setup_table setup;
	struct grant_transfer transfer;
	struct grant_copy copy;
	struct grant_query_size query;
};

static const u8 op_sizes[] = {
    [GNTTABOP_map_grant_ref] = sizeof(struct grant_map),
    [GNTTABOP_unmap_grant_ref] = sizeof(struct grant_unmap),
    [GNTTABOP_setup_table] = sizeof(struct grant_setup_table),
    [GNTTABOP_transfer] = sizeof(struct grant_transfer),
    [GNTTABOP_copy] = sizeof(struct grant_copy),
    [GNTTABOP_query_size] = sizeof(struct grant_query_size),
};

static void run_op(u32 cmd, union any_op *op)
{
	switch (cmd) {
	case GNTTABOP_map_grant_ref:
		op->map.status = map_one(&op->map);
		break;
	case GNTTABOP_unmap_grant_ref:
		op->unmap.status = unmap_one(&op->unmap);
		break;
	case GNTTABOP_setup_table:
		op->setup.status = setup_table(&op->setup);
		break;
	case GNTTABOP_transfer:
		op->transfer.status = GNTST_general_error; /* pages change hands by copy only */
		break;
	case GNTTABOP_copy:
		grant_copy_one(&op->copy);
		break;
	default:
		op->query.status = query_size(&op->query);
	}
}

long grant_table_op(ulong *args)
{
	u32 cmd = (u32)args[0];
	ulong done = 0;

	if (!current->domain->grants)
		return -EINVAL;
	if (cmd == GNTTABOP_set_version)
		return set_version(args[1]);
	if (cmd == GNTTABOP_get_version)
		return get_version(args[1]);
	if (cmd >= ARRAY_SIZE(op_sizes) || !op_sizes[cmd])
		return -ENOSYS;
	for (; args[2]; args[2]--, args[1] += op_sizes[cmd]) {
		union any_op op;

		if (done++ && preempt_wanted())
			return -ECONTINUE;
		if (!copy_from_guest(&op, args[1], op_sizes[cmd]))
			return -EFAULT;
		run_op(cmd, &op);
		if (!copy_to_guest(args[1], &op, op_sizes[cmd]))
			return -EFAULT;
	}
	return 0;
}
