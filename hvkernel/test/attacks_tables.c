/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks: forged page tables. */
#include "suite.h"
#include "asm/pte.h"
#include "errno.h"
#include "lib.h"

#define FREE_L2 300 /* an entry of our L2 that we do not use */

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

	table_fill(table, slot, forged);
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
