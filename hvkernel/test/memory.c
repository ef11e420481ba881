/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory as a good guest uses it, and as a bad one would. */
#include "guest.h"
#include "asm/pte.h"
#include "lib.h"

void read_at(ulong va)
{
	(void)*(volatile ulong *)va;
}

void write_at(ulong va)
{
	*(volatile ulong *)va = 1;
}

long update(u64 ptr, u64 val)
{
	struct mmu_update u = {ptr, val};
	u32 done;

	return CALL4(mmu_update, &u, 1, &done, DOMID_SELF);
}

u64 machine(const void *va)
{
	return (u64)frame_of(va) << PAGE_SHIFT | ((ulong)va & (PAGE_SIZE - 1));
}

long ext(u32 cmd, ulong arg1)
{
	struct mmuext_op op = {cmd, arg1, 0};
	u32 done;

	return CALL4(mmuext_op, &op, 1, &done, DOMID_SELF);
}

const u64 rw = PTE_P | PTE_RW | PTE_US, ro = PTE_P | PTE_US;

void test_memory(void)
{
	void *window = page_alloc(), *page = page_alloc();
	u64 *table = page_alloc(), old = entry_of((ulong)window);
	struct memory_reservation r = {0, 1, 0, 0, DOMID_SELF};
	ulong mfn = frame_of(page);

	check(!map((ulong)window, pte_of(mfn, rw)), "own frame maps");
	*(volatile ulong *)window = 42;
	check(*(volatile ulong *)page == 42, "both addresses are one frame");
	check(!update(machine(&table_of((ulong)window, 1)[((ulong)window >> 12) & 511]),
		      pte_of(mfn, ro)),
	      "mmu_update writes an entry");
	ext(MMUEXT_INVLPG_LOCAL, (ulong)window);
	check(!probe(write_at, (ulong)window) && traps_seen[14] && last_address == (ulong)window,
	      "a read-only page faults, with its address");
	check(((ulong *)MACHPHYS)[mfn] == ((ulong)page - VIRT_BASE) >> PAGE_SHIFT,
	      "M2P is readable");

	/* A table of our own: read only, pinned, then free again. */
	table[0] = pte_of(mfn, rw);
	check(ext(MMUEXT_PIN_L1_TABLE, frame_of(table)) < 0, "a writable page is not pinned");
	check(!map((ulong)table, pte_of(frame_of(table), ro)), "it becomes read only");
	check(!ext(MMUEXT_PIN_L1_TABLE, frame_of(table)), "and is pinned then");
	check(map((ulong)table, pte_of(frame_of(table), rw)) < 0, "a table is not mapped writable");
	check(!update(machine(&table[1]), pte_of(mfn, ro)), "an entry of it is updated");
	check(!ext(MMUEXT_UNPIN_TABLE, frame_of(table)), "unpin");
	check(!map((ulong)table, pte_of(frame_of(table), rw)), "and it is memory again");

	map((ulong)window, old);
	map((ulong)page, 0);
	r.extent_start = (ulong)&mfn;
	check(CALL2(memory_op, XENMEM_decrease_reservation, &r) == 1, "a frame is given back");
	check(map((ulong)page, pte_of(mfn, rw)) < 0, "and is ours no more");
	mfn = ((ulong)page - VIRT_BASE) >> PAGE_SHIFT;
	check(CALL2(memory_op, XENMEM_populate_physmap, &r) == 1, "another one is taken");
	check(!map((ulong)page, pte_of(mfn, rw)) && !*(ulong *)page, "it is ours, and zero");
	((ulong *)start->mfn_list)[((ulong)page - VIRT_BASE) >> PAGE_SHIFT] = mfn;
}
