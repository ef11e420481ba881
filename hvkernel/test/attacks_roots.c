/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks: roots, pins, copies, and the tables and frames of others. */
#include "suite.h"
#include "asm/pte.h"
#include "errno.h"
#include "lib.h"

REFUSED(memory_as_root, EBUSY)
{
	return ext(MMUEXT_NEW_BASEPTR, frame_of(page_alloc()));
}

REFUSED(l1_as_root, EBUSY)
{
	return ext(MMUEXT_NEW_BASEPTR, frame_of(l1_of(page_next())));
}

REFUSED(neighbour_root_as_root, EINVAL)
{
	return ext(MMUEXT_NEW_BASEPTR, bench.neighbour_root);
}

REFUSED(hypervisor_frame_as_root, EINVAL)
{
	return ext(MMUEXT_NEW_BASEPTR, HV_FRAME);
}

REFUSED(root_from_nowhere, EINVAL)
{
	return ext(MMUEXT_NEW_BASEPTR, ~0ul >> 8);
}

REFUSED(pin_memory, EBUSY)
{
	return ext(MMUEXT_PIN_L1_TABLE, frame_of(page_alloc()));
}

REFUSED(pin_l1_as_l3, EBUSY)
{
	return ext(MMUEXT_PIN_L3_TABLE, frame_of(l1_of(page_next())));
}

REFUSED(pin_hypervisor_frame, EINVAL)
{
	return ext(MMUEXT_PIN_L1_TABLE, HV_FRAME);
}

REFUSED(pin_neighbour_frame, EINVAL)
{
	return ext(MMUEXT_PIN_L1_TABLE, bench.neighbour_frame);
}

REFUSED(pin_twice, EINVAL)
{
	u64 *table = table_alloc();
	long error = ext(MMUEXT_PIN_L1_TABLE, frame_of(table));

	if (error)
		return error - 1000;
	error = ext(MMUEXT_PIN_L1_TABLE, frame_of(table));
	ext(MMUEXT_UNPIN_TABLE, frame_of(table));
	return error;
}

/* It is read only here, but there is another way to write it. */
REFUSED(pin_with_writable_alias, EBUSY)
{
	u64 *table = table_alloc(), *alias = page_alloc();

	map((ulong)alias, pte_of(frame_of(table), rw));
	return ext(MMUEXT_PIN_L1_TABLE, frame_of(table));
}

REFUSED(pin_table_with_forged_entry, EINVAL)
{
	u64 *table = table_alloc();

	table_fill(table, 511, pte_of(HV_FRAME, rw));
	return ext(MMUEXT_PIN_L1_TABLE, frame_of(table));
}

/* Of two entries the second is bad: what the first took is given back. */
HOLDS(pin_fails_half_way)
{
	u64 *table = table_alloc(), *page = page_alloc();

	table_fill(table, 3, pte_of(frame_of(page), rw));
	map((ulong)page, 0);
	table_fill(table, 4, pte_of(bench.neighbour_frame, ro));
	if (ext(MMUEXT_PIN_L1_TABLE, frame_of(table)) != -EINVAL)
		return -1;
	/* Nothing maps the page writable any more: it can be a table. */
	if (ext(MMUEXT_PIN_L1_TABLE, frame_of(page)))
		return -2;
	return ext(MMUEXT_UNPIN_TABLE, frame_of(page));
}

REFUSED(table_that_maps_itself_writable, EINVAL)
{
	u64 *table = table_alloc();

	table_fill(table, 0, pte_of(frame_of(table), rw));
	return ext(MMUEXT_PIN_L1_TABLE, frame_of(table)) ? -EINVAL : 0;
}

REFUSED(table_that_leads_to_itself, EINVAL)
{
	u64 *table = table_alloc();

	table_fill(table, 0, pte_of(frame_of(table), ro));
	return ext(MMUEXT_PIN_L2_TABLE, frame_of(table)) ? -EINVAL : 0;
}

REFUSED(unpin_without_pin, EINVAL)
{
	return ext(MMUEXT_UNPIN_TABLE, frame_of(l1_of(page_next())));
}

REFUSED(unpin_neighbour_root, EINVAL)
{
	return ext(MMUEXT_UNPIN_TABLE, bench.neighbour_root);
}

REFUSED(clear_table, EINVAL)
{
	return ext(MMUEXT_CLEAR_PAGE, frame_of(l1_of(page_next())));
}

REFUSED(clear_neighbour_frame, EINVAL)
{
	return ext(MMUEXT_CLEAR_PAGE, bench.neighbour_frame);
}

static long copy_page(ulong to, ulong from)
{
	struct mmuext_op op = {MMUEXT_COPY_PAGE, to, from};

	return CALL4(mmuext_op, &op, 1, 0, DOMID_SELF);
}

REFUSED(copy_over_table, EINVAL)
{
	return copy_page(frame_of(l1_of(page_next())), frame_of(page_alloc()));
}

REFUSED(copy_from_neighbour, EINVAL)
{
	return copy_page(frame_of(page_alloc()), bench.neighbour_frame);
}

REFUSED(copy_from_hypervisor, EINVAL)
{
	return copy_page(frame_of(page_alloc()), HV_FRAME);
}

/* A store to a table that is read only is done as an update would be: not if it is forged. */
FAULTS(store_to_own_table)
{
	u64 *page = page_alloc(), *l1 = l1_of(page);

	((volatile u32 *)l1)[((ulong)page >> 12 & 511) * 2] = (HV_FRAME << PAGE_SHIFT) | 0x67;
	return 0;
}

FAULTS(store_to_own_root)
{
	*(volatile u64 *)start->pt_base = 0;
	return 0;
}

/* A live table whose frame is given back is a table all the same. */
REFUSED_TO_DOMU(table_given_back, EBUSY)
{
	u64 *table = table_alloc(), *window = page_alloc();
	ulong mfn = frame_of(table);
	struct memory_reservation r = {(ulong)&mfn, 1, 0, 0, DOMID_SELF};
	long error;

	if (ext(MMUEXT_PIN_L1_TABLE, mfn) || CALL2(memory_op, XENMEM_decrease_reservation, &r) != 1)
		return -1;
	error = map((ulong)window, pte_of(mfn, rw));
	/* Another frame takes its place, so that what follows finds memory there. */
	map((ulong)table, 0);
	ext(MMUEXT_UNPIN_TABLE, mfn);
	mfn = ((ulong)table - VIRT_BASE) >> PAGE_SHIFT;
	if (CALL2(memory_op, XENMEM_populate_physmap, &r) != 1)
		return -2;
	((ulong *)start->mfn_list)[((ulong)table - VIRT_BASE) >> PAGE_SHIFT] = mfn;
	return error;
}

REFUSED_TO_DOMU(foreign_table_by_mmu_update, ESRCH)
{
	struct mmu_update u = {(u64)bench.neighbour_root << PAGE_SHIFT, 0};

	return CALL4(mmu_update, &u, 1, 0, (ulong)(bench.neighbour + 1) << 16 | DOMID_SELF);
}

REFUSED_TO_DOMU(foreign_frames_by_mmu_update, ESRCH)
{
	struct mmu_update u = {machine(l1_of(page_next())), 0};

	return CALL4(mmu_update, &u, 1, 0, bench.neighbour);
}

REFUSED_TO_DOMU(foreign_mmuext, ESRCH)
{
	struct mmuext_op op = {MMUEXT_UNPIN_TABLE, bench.neighbour_root, 0};

	return CALL4(mmuext_op, &op, 1, 0, bench.neighbour);
}

REFUSED_TO_DOMU(foreign_va_mapping, ESRCH)
{
	u64 e = pte_of(bench.neighbour_frame, rw);

#ifdef __i386__
	return hypercall5(HC_update_va_mapping_otherdomain, (ulong)page_next(), (ulong)e,
			  (ulong)(e >> 32), 0, bench.neighbour);
#else
	return CALL4(update_va_mapping_otherdomain, page_next(), e, 0, bench.neighbour);
#endif
}

REFUSED(unknown_mmuext, ENOSYS)
{
	return ext(99, 0);
}

/* Applications' tables; IA-32 has none. */
REFUSED(user_root_that_leads_to_itself, LEVELS == 3 ? ENOSYS : EBUSY)
{
	u64 *root = table_alloc();

	table_fill(root, 300, pte_of(frame_of(root), PTE_P | PTE_US));
	return ext(MMUEXT_NEW_USER_BASEPTR, frame_of(root));
}

REFUSED(user_root_of_neighbour, LEVELS == 3 ? ENOSYS : EINVAL)
{
	return ext(MMUEXT_NEW_USER_BASEPTR, bench.neighbour_root);
}
