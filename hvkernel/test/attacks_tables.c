/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks: forged page tables. */
#include "suite.h"
#include "asm/pte.h"
#include "errno.h"
#include "lib.h"

#define HV_FRAME 0x100ul /* the hypervisor's image begins there */
#define FREE_L2  300     /* an entry of our L2 that we do not use */

static u64 *l1_of(const void *page)
{
	return table_of((ulong)page, 1);
}

static u64 l2_entry(unsigned int index)
{
	return machine(&table_of((ulong)page_next(), 2)[index]);
}

static u64 root_entry(unsigned int index)
{
	return machine((u64 *)start->pt_base + index);
}

static long map_new(u64 entry)
{
	return map((ulong)page_alloc(), entry);
}

/* A page of ours that could become a table: nothing maps it writable. */
static u64 *table_alloc(void)
{
	u64 *table = page_alloc();

	map((ulong)table, pte_of(frame_of(table), ro));
	return table;
}

static void fill(u64 *table, unsigned int index, u64 entry)
{
	map((ulong)table, pte_of(frame_of(table), rw));
	table[index] = entry;
	map((ulong)table, pte_of(frame_of(table), ro));
}

REFUSED(own_l1_writable, EBUSY)
{
	void *page = page_alloc();

	return map((ulong)page, pte_of(frame_of(l1_of(page)), rw));
}

REFUSED(own_l2_writable, EBUSY)
{
	return map_new(pte_of(frame_of(table_of((ulong)page_next(), 2)), rw));
}

REFUSED(own_root_writable, EBUSY)
{
	return map_new(pte_of(frame_of((void *)start->pt_base), rw));
}

REFUSED(hypervisor_frame_writable, EINVAL)
{
	return map_new(pte_of(HV_FRAME, rw));
}

REFUSED(hypervisor_frame_readable, EINVAL)
{
	return map_new(pte_of(HV_FRAME + 0x20, ro));
}

REFUSED(local_apic, EPERM)
{
	return map_new(pte_of(0xfee00, rw));
}

REFUSED(io_apic, EPERM)
{
	return map_new(pte_of(0xfec00, rw));
}

REFUSED_TO_DOMU(video_memory, EPERM)
{
	return map_new(pte_of(0xb8, rw));
}

REFUSED_TO_DOMU(device_by_domid_io, ESRCH)
{
	return hypercall5(HC_update_va_mapping_otherdomain, (ulong)page_next(), 0xb8067, 0,
			  LEVELS == 3 ? 0 : DOMID_IO, DOMID_IO);
}

REFUSED_TO_DOMU(frame_beyond_memory, LEVELS == 3 ? EINVAL : EPERM)
{
	return map_new(pte_of(frame_of(page_next()), rw) | 1ull << 47);
}

REFUSED(map_over_hypervisor, EINVAL)
{
	return map(HV_BEGIN, pte_of(frame_of(page_alloc()), rw));
}

REFUSED(map_inside_hypervisor, EINVAL)
{
	return map(HV_INSIDE, pte_of(frame_of(page_alloc()), rw));
}

REFUSED(neighbour_frame_writable, EINVAL)
{
	return map_new(pte_of(bench.neighbour_frame, rw));
}

REFUSED(neighbour_frame_readable, EINVAL)
{
	return map_new(pte_of(bench.neighbour_frame, ro));
}

REFUSED(neighbour_root_readable, EINVAL)
{
	return map_new(pte_of(bench.neighbour_root, ro));
}

REFUSED(l2_entry_to_memory, EBUSY)
{
	return update(l2_entry(FREE_L2), pte_of(frame_of(page_alloc()), rw));
}

REFUSED(l2_entry_to_l2, EBUSY)
{
	return update(l2_entry(FREE_L2), pte_of(frame_of(table_of((ulong)page_next(), 2)), rw));
}

REFUSED(l2_entry_to_root, EBUSY)
{
	return update(l2_entry(FREE_L2), pte_of(frame_of((void *)start->pt_base), rw));
}

REFUSED(l2_entry_to_hypervisor, EINVAL)
{
	return update(l2_entry(FREE_L2), pte_of(HV_FRAME, rw));
}

REFUSED(l2_entry_to_neighbour, EINVAL)
{
	return update(l2_entry(FREE_L2), pte_of(bench.neighbour_frame, rw));
}

REFUSED(large_page, EINVAL)
{
	return update(l2_entry(FREE_L2), pte_of(HV_FRAME, rw | PTE_PSE));
}

REFUSED(root_entry_to_root, EBUSY)
{
	return update(root_entry(LEVELS == 3 ? 2 : 300),
		      pte_of(frame_of((void *)start->pt_base), PTE_P));
}

REFUSED(root_entry_to_l1, EBUSY)
{
	return update(root_entry(LEVELS == 3 ? 2 : 300),
		      pte_of(frame_of(l1_of(page_next())), PTE_P));
}

/* Bits of the address that no frame number here can have: CR3 would not load with them. */
REFUSED(root_entry_beyond_memory, EINVAL)
{
	u64 *table = table_alloc();

	return update(root_entry(LEVELS == 3 ? 3 : 300),
		      pte_of(frame_of(table), PTE_P) | 1ull << 46);
}

/* A table with entries of ours where the hypervisor's belong: they are replaced. */
static long forge_hypervisor_slot(unsigned int slot, unsigned int root_index)
{
	u64 *table = table_alloc(), forged = pte_of(frame_of(page_alloc()), rw);
	long error;

	fill(table, slot, forged);
	if (LEVELS == 3)
		error = update(root_entry(root_index), pte_of(frame_of(table), PTE_P));
	else
		error = ext(MMUEXT_PIN_L4_TABLE, frame_of(table));
	if (error)
		return error;
	attack_detail = (ulong)table[slot];
	error = table[slot] == forged ? -1 : update(machine(&table[slot]), forged);
	if (LEVELS == 3)
		update(root_entry(root_index), 0);
	else
		ext(MMUEXT_UNPIN_TABLE, frame_of(table));
	return error;
}

REFUSED(hypervisor_slot_forged, EINVAL)
{
	return forge_hypervisor_slot(LEVELS == 3 ? 0x1b0 : 262, 3);
}

REFUSED(hypervisor_slot_in_use, EINVAL)
{
	return LEVELS == 3 ? update(root_entry(4), 1) : update(root_entry(256), 0);
}

/* PAE: the L2 of the last slot is one of its own kind. */
REFUSED(l2_of_another_slot_on_top, EBUSY)
{
	if (LEVELS == 3)
		return update(root_entry(3),
			      pte_of(frame_of(table_of((ulong)page_next(), 2)), PTE_P));
	return update(root_entry(300), pte_of(frame_of(table_of((ulong)page_next(), 2)), rw));
}

REFUSED(update_hypervisor_frame, EINVAL)
{
	return update(((u64)HV_FRAME << PAGE_SHIFT) + 8, 0);
}

REFUSED(update_neighbour_frame, EINVAL)
{
	return update((u64)bench.neighbour_frame << PAGE_SHIFT, 0);
}

REFUSED(update_beyond_memory, EINVAL)
{
	return update(machine(page_alloc()) | 1ull << 50, 0);
}

REFUSED(update_not_aligned, EINVAL)
{
	return update(machine(page_alloc()) + 4, 0);
}

REFUSED(m2p_of_hypervisor, EINVAL)
{
	return update(((u64)HV_FRAME << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, 7);
}

REFUSED(m2p_of_neighbour, EINVAL)
{
	return update(((u64)bench.neighbour_frame << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, 7);
}

REFUSED(m2p_beyond_memory, EINVAL)
{
	return update(0xffffffff000ull | MMU_MACHPHYS_UPDATE, 7);
}

FAULTS(m2p_written)
{
	write_at(MACHPHYS);
	return 0;
}

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

	fill(table, 511, pte_of(HV_FRAME, rw));
	return ext(MMUEXT_PIN_L1_TABLE, frame_of(table));
}

/* Of two entries the second is bad: what the first took is given back. */
HOLDS(pin_fails_half_way)
{
	u64 *table = table_alloc(), *page = page_alloc();

	fill(table, 3, pte_of(frame_of(page), rw));
	map((ulong)page, 0);
	fill(table, 4, pte_of(bench.neighbour_frame, ro));
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

	fill(table, 0, pte_of(frame_of(table), rw));
	return ext(MMUEXT_PIN_L1_TABLE, frame_of(table)) ? -EINVAL : 0;
}

REFUSED(table_that_leads_to_itself, EINVAL)
{
	u64 *table = table_alloc();

	fill(table, 0, pte_of(frame_of(table), ro));
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

	fill(root, 300, pte_of(frame_of(root), PTE_P | PTE_US));
	return ext(MMUEXT_NEW_USER_BASEPTR, frame_of(root));
}

REFUSED(user_root_of_neighbour, LEVELS == 3 ? ENOSYS : EINVAL)
{
	return ext(MMUEXT_NEW_USER_BASEPTR, bench.neighbour_root);
}
