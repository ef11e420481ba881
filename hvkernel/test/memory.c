/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory as a good guest uses it, and as a bad one would. */
#include "guest.h"
#include "asm/pte.h"
#include "lib.h"

static void read_at(ulong va)
{
	(void)*(volatile ulong *)va;
}

static void write_at(ulong va)
{
	*(volatile ulong *)va = 1;
}

static long update(u64 ptr, u64 val)
{
	struct mmu_update u = {ptr, val};
	u32 done;

	return CALL4(mmu_update, &u, 1, &done, DOMID_SELF);
}

static u64 machine(const void *va)
{
	return (u64)frame_of(va) << PAGE_SHIFT | ((ulong)va & (PAGE_SIZE - 1));
}

static long ext(u32 cmd, ulong arg1)
{
	struct mmuext_op op = {cmd, arg1, 0};
	u32 done;

	return CALL4(mmuext_op, &op, 1, &done, DOMID_SELF);
}

static const u64 rw = PTE_P | PTE_RW | PTE_US, ro = PTE_P | PTE_US;

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

static void priv_rdmsr(ulong msr)
{
	ulong low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
}

static void priv_lidt(ulong at)
{
	__asm__ volatile("lidt (%0)" : : "r"(at));
}

static void priv_cr3(ulong value)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(value));
}

static void load_selector(ulong selector)
{
	__asm__ volatile("mov %w0, %%gs" : : "r"(selector));
}

static void int_hypercall(ulong nr)
{
	__asm__ volatile("int %0" : : "i"(0x90), "a"(nr));
}

static void bad_pointers(void)
{
	static const u32 numbers[] = {
	    HC_set_trap_table, HC_mmu_update, HC_set_gdt,   HC_memory_op,        HC_multicall,
	    HC_grant_table_op, HC_vcpu_op,    HC_mmuext_op, HC_event_channel_op, HC_sched_op,
	    HC_console_io,     HC_sysctl,     HC_domctl,    HC_physdev_op,       HC_callback_op};
	static const ulong bad[] = {8, HV_INSIDE, HV_BEGIN - 4, ~0ul - 7, (ulong)0x7ffffffffff8ull};
	unsigned int accepted = 0;

	for (unsigned int n = 0; n < ARRAY_SIZE(numbers); n++)
		for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
			/* set_trap_table(0) would take our own away. */
			if (numbers[n] == HC_set_trap_table) {
				accepted += CALL1(set_trap_table, bad[i]) >= 0;
				continue;
			}
			if (numbers[n] == HC_sched_op) { /* 0 and 1 would yield and block */
				accepted += !CALL2(sched_op, SCHEDOP_shutdown, bad[i]);
				accepted += !CALL2(sched_op, SCHEDOP_poll, bad[i]);
				continue;
			}
			/* The pointer goes first, second and third. */
			accepted +=
			    n < 4 && hypercall5(numbers[n], bad[i], 1, 0, DOMID_SELF, 0) > 0;
			hypercall5(numbers[n], 0, bad[i], 1, DOMID_SELF, 0);
			hypercall5(numbers[n], 1, bad[i], 1, DOMID_SELF, 0);
			hypercall5(numbers[n], 0, 1, bad[i], DOMID_SELF, 0);
		}
	check(!accepted, "bad pointers are refused everywhere");
}

void test_attacks(void)
{
	u64 *page = page_alloc(), *desc = page_alloc();
	ulong l1 = frame_of(table_of((ulong)page, 1)), l2 = frame_of(table_of((ulong)page, 2));
	ulong gdt;

	check(map((ulong)page, pte_of(l1, rw)) < 0, "attack: own L1 writable");
	check(map((ulong)page, pte_of(frame_of((void *)start->pt_base), rw)) < 0,
	      "attack: own root writable");
	check(map((ulong)page, pte_of(0x100, rw)) < 0, "attack: the hypervisor's image");
	check(map((ulong)page, pte_of(0x180, ro)) < 0, "attack: the hypervisor's image, read only");
	check(map((ulong)page, pte_of(0xfee00, rw)) < 0, "attack: the local APIC");
	check(map((ulong)page, pte_of(0xfec00, rw)) < 0, "attack: the I/O APIC");
	check(map(HV_BEGIN, pte_of(frame_of(page), rw)) < 0, "attack: mapping over the hypervisor");
	check(map(HV_INSIDE, pte_of(frame_of(page), rw)) < 0, "attack: mapping inside of it");
	check(update(machine(&table_of((ulong)page, 2)[0]), pte_of(frame_of(page), rw)) < 0,
	      "attack: an L2 entry to memory");
	check(update(machine(&table_of((ulong)page, 2)[1]), pte_of(l2, rw)) < 0,
	      "attack: an L2 that maps itself");
	check(update(machine(&table_of((ulong)page, 2)[0]), pte_of(0x100, rw | PTE_PSE)) < 0,
	      "attack: a large page");
	check(update(((u64)0x100 << PAGE_SHIFT) + 8, 0) < 0,
	      "attack: mmu_update of a foreign frame");
	check(update(machine(&page[1]) | MMU_MACHPHYS_UPDATE, 7) == 0 &&
		  update(((u64)0x100 << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, 7) < 0,
	      "attack: M2P of a foreign frame");
	check(ext(MMUEXT_NEW_BASEPTR, frame_of(page)) < 0, "attack: memory as a root");
	check(ext(MMUEXT_PIN_L3_TABLE, l1) < 0, "attack: an L1 as an L3");
	check(ext(MMUEXT_UNPIN_TABLE, l1) < 0, "attack: unpin without pin");
	check(ext(MMUEXT_SET_LDT, (ulong)page) >= 0, "no LDT is no error");
	check(!probe(priv_rdmsr, 0xc0000082), "attack: rdmsr");
	check(!probe(priv_lidt, (ulong)page), "attack: lidt");
	check(!probe(priv_cr3, (ulong)frame_of(page) << PAGE_SHIFT), "attack: mov to cr3");
	check(!probe(int_hypercall, 0), "attack: int without a gate");
	check(!probe(load_selector, 0x1008), "attack: a selector without a table");
	check(!probe(load_selector, 0xe008), "attack: the hypervisor's selector");
	check(!probe(write_at, MACHPHYS), "attack: writing the M2P");
#ifndef __i386__ /* by segment limits, which QEMU does not check */
	check(!probe(read_at, HV_INSIDE), "attack: reading the hypervisor");
#endif
	(void)read_at;
	/* A GDT with a call gate, then one with a code segment of ring 0. */
	desc[1] = 0x0000ec000008e008;
	map((ulong)desc, pte_of(frame_of(desc), ro));
	gdt = frame_of(desc);
	check(CALL2(set_gdt, &gdt, 2) < 0, "attack: a call gate in the GDT");
	map((ulong)desc, pte_of(frame_of(desc), rw));
	desc[1] = 0x00cf9a000000ffff;
	check(CALL2(set_gdt, &gdt, 2) < 0, "attack: a GDT that is writable");
	map((ulong)desc, pte_of(frame_of(desc), ro));
	check(!CALL2(set_gdt, &gdt, 2), "a GDT is set");
	check((desc[1] >> 45 & 3) != 0, "attack: ring 0 in the GDT is brought down");
	check(map((ulong)desc, pte_of(frame_of(desc), rw)) < 0,
	      "attack: the GDT writable afterwards");
#ifdef __i386__
	check((desc[1] & 0xffff) == 0x67ff, "attack: segments are cut");
	check(CALL4(update_descriptor, machine(&desc[3]), 0, 0xffff, 0x00009a00) == 0 &&
		  CALL4(update_descriptor, machine(&desc[3]), 0, 8, 0x0000ec00) < 0,
	      "attack: update_descriptor with a gate");
#else
	check(CALL2(update_descriptor, machine(&desc[3]), 0x0000890000000067) < 0,
	      "attack: update_descriptor with a TSS");
#endif
	check(!CALL2(set_gdt, 0, 0), "the GDT is dropped");
	check(CALL2(update_descriptor, (u64)0x100 << PAGE_SHIFT, 0) < 0,
	      "attack: update_descriptor of a foreign frame");
	bad_pointers();
	check(CALL1(set_trap_table, 0x10) < 0, "attack: a trap table nowhere");
	check(hypercall5(63, 0, 0, 0, 0, 0) == -38, "an unknown hypercall is -ENOSYS");
}
