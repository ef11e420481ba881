/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks: grants that are not one's own, or grant what is not one's own. */
#include "suite.h"
#include "asm/pte.h"
#include "errno.h"
#include "lib.h"

#define REF 100 /* of the entry that an attack writes */

static s16 map_ref(domid_t dom, u32 ref, u64 at, u32 flags, u32 *handle)
{
	struct grant_map op = {at, flags, ref, dom, 0, 0, 0};

	if (CALL3(grant_table_op, GNTTABOP_map_grant_ref, &op, 1))
		return 1;
	if (handle)
		*handle = op.handle;
	return op.status;
}

static s16 map_here(domid_t dom, u32 ref)
{
	return map_ref(dom, ref, (ulong)page_alloc(), GNTMAP_host_map, NULL);
}

static s16 unmap(u64 at, u32 handle)
{
	struct grant_unmap op = {at, 0, handle, 0};

	return CALL3(grant_table_op, GNTTABOP_unmap_grant_ref, &op, 1) ? 1 : op.status;
}

static void grant(ulong frame, u16 flags)
{
	grant_entries()[REF] = (struct grant_entry){0, own_id(), (u32)frame};
	__atomic_store_n(&grant_entries()[REF].flags, flags, __ATOMIC_SEQ_CST);
}

static s16 map_granted(ulong frame, u16 flags)
{
	s16 status;

	grant(frame, flags);
	status = map_here(own_id(), REF);
	grant_entries()[REF].flags = 0;
	return status;
}

REFUSED_STATUS(grant_of_neighbour_for_another, GNTST_bad_gntref)
{
	return map_here(bench.neighbour, bench.neighbour_ref + 1);
}

ATTACK(grant_of_neighbour_for_dom0, REFUSED, BY_DOMU, GNTST_bad_gntref)
{
	return map_here(bench.neighbour, bench.neighbour_ref);
}

REFUSED_STATUS(grant_of_nobody, GNTST_bad_domain)
{
	return map_here(0x7000, 8);
}

REFUSED_STATUS(grant_beyond_table, GNTST_bad_gntref)
{
	return map_here(bench.neighbour, 512);
}

REFUSED_STATUS(grant_far_beyond_table, GNTST_bad_gntref)
{
	return map_here(bench.neighbour, 0xffffffff);
}

REFUSED_STATUS(granting_hypervisor_frame, GNTST_bad_page)
{
	return map_granted(HV_FRAME, GTF_permit_access);
}

REFUSED_STATUS(granting_neighbour_frame, GNTST_bad_page)
{
	return map_granted(bench.neighbour_frame, GTF_permit_access);
}

REFUSED_STATUS(granting_frame_beyond_memory, GNTST_bad_page)
{
	return map_granted(0xfffffff0, GTF_permit_access);
}

REFUSED_STATUS(granting_page_table_writable, GNTST_bad_page)
{
	return map_granted(frame_of((void *)start->pt_base), GTF_permit_access);
}

REFUSED_STATUS(grant_read_only_mapped_writable, GNTST_permission_denied)
{
	return map_granted(frame_of(page_alloc()), GTF_permit_access | GTF_readonly);
}

REFUSED_STATUS(grant_of_unknown_kind, GNTST_bad_gntref)
{
	return map_granted(frame_of(page_alloc()), 2);
}

REFUSED_STATUS(grant_for_device, GNTST_no_device_space)
{
	return map_ref(bench.neighbour, 8, 0, GNTMAP_device_map, NULL);
}

static s16 map_own_at(u64 at, u32 flags)
{
	s16 status;

	grant(frame_of(page_alloc()), GTF_permit_access);
	status = map_ref(own_id(), REF, at, flags, NULL);
	grant_entries()[REF].flags = 0;
	return status;
}

REFUSED_STATUS(grant_mapped_in_hypervisor, GNTST_bad_virt_addr)
{
	return map_own_at(HV_INSIDE & ~(PAGE_SIZE - 1), GNTMAP_host_map);
}

REFUSED_STATUS(grant_mapped_where_no_table_is, GNTST_bad_virt_addr)
{
	return map_own_at(0x1000, GNTMAP_host_map);
}

REFUSED_STATUS(grant_mapped_not_aligned, GNTST_bad_virt_addr)
{
	return map_own_at((ulong)page_alloc() + 8, GNTMAP_host_map);
}

#define BY_ENTRY (GNTMAP_host_map | GNTMAP_contains_pte)

REFUSED_STATUS(grant_entry_in_memory, GNTST_bad_virt_addr)
{
	return map_own_at(machine(page_alloc()), BY_ENTRY);
}

REFUSED_STATUS(grant_entry_in_root, GNTST_bad_virt_addr)
{
	return map_own_at(machine((void *)start->pt_base), BY_ENTRY);
}

REFUSED_STATUS(grant_entry_in_hypervisor, GNTST_bad_virt_addr)
{
	return map_own_at((u64)HV_FRAME << PAGE_SHIFT, BY_ENTRY);
}

REFUSED_STATUS(grant_entry_of_neighbour, GNTST_bad_virt_addr)
{
	return map_own_at((u64)bench.neighbour_root << PAGE_SHIFT, BY_ENTRY);
}

REFUSED_STATUS(grant_entry_beyond_memory, GNTST_bad_virt_addr)
{
	return map_own_at(1ull << 50, BY_ENTRY);
}

REFUSED_STATUS(grant_entry_not_aligned, GNTST_bad_virt_addr)
{
	return map_own_at(machine(table_of((ulong)page_next(), 1)) + 4, BY_ENTRY);
}

REFUSED_STATUS(unmap_without_map, GNTST_bad_handle)
{
	return unmap((ulong)page_alloc(), 5);
}

REFUSED_STATUS(unmap_far_handle, GNTST_bad_handle)
{
	return unmap((ulong)page_alloc(), 0xfffffffe);
}

/* A mapping of a page that we grant to ourselves; what `meddle` does to it; then it must go. */
static s16 meddled(void (*meddle)(u8 *window, u8 *page), ulong distance)
{
	u8 *page = page_alloc(), *window = page_alloc();
	u64 old = entry_of((ulong)window);
	u32 handle = 0;
	s16 status;

	grant(frame_of(page), GTF_permit_access);
	status = map_ref(own_id(), REF, (ulong)window, GNTMAP_host_map, &handle);
	if (status)
		return (s16)(status - 100);
	if (meddle)
		meddle(window, page);
	status = unmap((ulong)window + distance, handle);
	if (status && unmap((ulong)window, handle))
		status -= 200;
	map((ulong)window, old);
	grant_entries()[REF].flags = 0;
	return status;
}

REFUSED_STATUS(unmap_at_other_address, GNTST_bad_virt_addr)
{
	return meddled(NULL, PAGE_SIZE);
}

static void pin_page(u8 *window, u8 *page)
{
	(void)window;
	map((ulong)page, pte_of(frame_of(page), ro));
	attack_detail = (ulong)ext(MMUEXT_PIN_L1_TABLE, frame_of(page));
}

/* What somebody maps writable by a grant never becomes a table. */
HOLDS(table_of_granted_page)
{
	s16 status = meddled(pin_page, 0);

	return status ? status : (long)attack_detail == -EBUSY ? 0 : -1;
}

static void revoke(u8 *window, u8 *page)
{
	(void)page;
	grant_entries()[REF] = (struct grant_entry){0, 0, HV_FRAME};
	*window = 1;
}

/* The granter may write what it likes meanwhile. */
HOLDS(grant_changed_while_mapped)
{
	return meddled(revoke, 0);
}

static s16 copy(struct grant_copy *op)
{
	return CALL3(grant_table_op, GNTTABOP_copy, op, 1) ? 1 : op->status;
}

static s16 copy_own(ulong from, u16 from_at, ulong to, u16 to_at, u16 len)
{
	struct grant_copy op;

	memset(&op, 0, sizeof(op));
	op.source.u.gmfn = from;
	op.source.offset = from_at;
	op.dest.u.gmfn = to;
	op.dest.offset = to_at;
	op.source.domid = op.dest.domid = DOMID_SELF;
	op.len = len;
	return copy(&op);
}

REFUSED_STATUS(copy_over_end_of_source, GNTST_bad_copy_arg)
{
	return copy_own(frame_of(page_alloc()), 4000, frame_of(page_alloc()), 0, 200);
}

REFUSED_STATUS(copy_over_end_of_target, GNTST_bad_copy_arg)
{
	return copy_own(frame_of(page_alloc()), 0, frame_of(page_alloc()), 4000, 200);
}

REFUSED_STATUS(copy_that_wraps, GNTST_bad_copy_arg)
{
	return copy_own(frame_of(page_alloc()), 0xffff, frame_of(page_alloc()), 0xffff, 0xffff);
}

REFUSED_STATUS(copy_into_page_table, GNTST_bad_page)
{
	return copy_own(frame_of(page_alloc()), 0, frame_of((void *)start->pt_base), 0, 8);
}

REFUSED_STATUS(copy_into_hypervisor, GNTST_bad_page)
{
	return copy_own(frame_of(page_alloc()), 0, HV_FRAME, 0, 8);
}

REFUSED_STATUS(copy_out_of_hypervisor, GNTST_bad_page)
{
	return copy_own(HV_FRAME, 0, frame_of(page_alloc()), 0, 8);
}

REFUSED_STATUS(copy_out_of_neighbour, GNTST_bad_page)
{
	return copy_own(bench.neighbour_frame, 0, frame_of(page_alloc()), 0, 8);
}

REFUSED_STATUS(copy_by_frame_of_neighbour, GNTST_permission_denied)
{
	struct grant_copy op;

	memset(&op, 0, sizeof(op));
	op.source.u.gmfn = bench.neighbour_frame;
	op.source.domid = bench.neighbour;
	op.dest.u.gmfn = frame_of(page_alloc());
	op.dest.domid = DOMID_SELF;
	op.len = 8;
	return copy(&op);
}

REFUSED_STATUS(copy_by_grant_for_another, GNTST_bad_gntref)
{
	struct grant_copy op;

	memset(&op, 0, sizeof(op));
	op.source.u.ref = bench.neighbour_ref + 1;
	op.source.domid = bench.neighbour;
	op.dest.u.gmfn = frame_of(page_alloc());
	op.dest.domid = DOMID_SELF;
	op.len = 8;
	op.flags = GNTCOPY_source_gref;
	return copy(&op);
}

REFUSED_STATUS(transfer, GNTST_general_error)
{
	struct grant_transfer op = {frame_of(page_alloc()), bench.neighbour, 8, 0};

	return CALL3(grant_table_op, GNTTABOP_transfer, &op, 1) ? 1 : op.status;
}

static s16 setup(domid_t dom, u32 frames)
{
	static ulong list[64];
	struct grant_setup_table op = {dom, frames, 0, (ulong)list};

	return CALL3(grant_table_op, GNTTABOP_setup_table, &op, 1) ? 1 : op.status;
}

ATTACK(table_of_neighbour, REFUSED, BY_DOMU, GNTST_permission_denied)
{
	return setup(bench.neighbour, 1);
}

REFUSED_STATUS(table_too_large, GNTST_general_error)
{
	return setup(DOMID_SELF, 33);
}

/* As large as may be: every entry has its place in the hypervisor's own books. */
ATTACK(table_as_large_as_may_be, HOLDS, BY_DOMU | FRESH, 0)
{
	u32 handles[2] = {0, 0};
	u8 *page = page_alloc(), *windows = page_alloc();
	s16 status = setup(DOMID_SELF, 32);

	page_alloc();
	if (status)
		return status;
	grant(frame_of(page), GTF_permit_access);
	for (unsigned int i = 0; i < 2; i++)
		status |= map_ref(own_id(), REF, (ulong)windows + i * PAGE_SIZE, GNTMAP_host_map,
				  &handles[i]);
	for (u32 ref = 512; ref < 32 * 512; ref += 100)
		if (map_here(own_id(), ref) != GNTST_bad_gntref)
			return -2;
	for (unsigned int i = 0; i < 2; i++)
		status |= unmap((ulong)windows + i * PAGE_SIZE, handles[i]);
	return status;
}

REFUSED(version_2, EINVAL)
{
	u32 version = 2;

	return CALL3(grant_table_op, GNTTABOP_set_version, &version, 1);
}

REFUSED(unknown_grant_call, ENOSYS)
{
	return CALL3(grant_table_op, 77, page_alloc(), 1);
}
