/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "asm/boot.h"
#include "asm/cpu.h"
#include "asm/geometry.h"
#include "asm/machphys.h"
#include "asm/tables.h"
#include "cpus.h"
#include "frame.h"
#include "guest.h"
#include "lib.h"
#include "pagetype.h"
#include "tlb.h"

#define GOOD_WINDOWS 512 /* behind those of the CPUs */

extern u64 boot_l3[4];
u64 hv_root[4] __attribute__((aligned(32)));

_Static_assert(512 / MAP_WINDOWS >= MAX_CPUS && !(FRAME_WINDOWS & 0x1fffff),
	       "one table of entries");

static u64 *frame_entries; /* that map the CPUs' windows at FRAME_WINDOWS */
static ulong good_used[GOOD_WINDOWS / 32];
static ulong good_stale[GOOD_WINDOWS / 32]; /* closed, but some CPU may still know what it showed */

void tables_init(void)
{
	hv_root[3] = boot_l3[3];
	for (unsigned int i = (DIRECT_BASE >> 21) & 511; i < 512; i++)
		if (hv_l2[i] & PTE_P)
			hv_l2[i] |= PTE_G | pte_nx;
	write_cr3(direct_phys(hv_root));
	tlb_reload();
}

/* Ring 1 is a supervisor for the page tables; applications have no business there. */
void machphys_open_to_users(void)
{
}

void windows_init(void)
{
	for (ulong va = WINDOWS; va < FIXMAP; va += 0x200000)
		hv_l1_entry(va);
	frame_entries = hv_l1_entry(FRAME_WINDOWS);
	hv_l1_entry(FIXMAP);
	hv_l1_entry(FIXMAP + 0x200000);
}

u64 hv_root_entry(unsigned int index)
{
	return hv_l2[index];
}

static void *open_window(u64 *entry, ulong va, mfn_t mfn)
{
	*entry = pte_of(mfn, PTE_P | PTE_RW | PTE_A | PTE_D | pte_nx);
	tlb_invlpg_local(va);
	return (void *)va;
}

void *map_frame(mfn_t mfn)
{
	struct cpu *cpu = this_cpu();
	unsigned int window;

	if (mfn < direct_frames)
		return direct_address(mfn);
	ASSERT(cpu->arch.windows_open < MAP_WINDOWS);
	window = cpu->id * MAP_WINDOWS + cpu->arch.windows_open++;
	return open_window(&frame_entries[window], FRAME_WINDOWS + window * PAGE_SIZE, mfn);
}

void unmap_frame(const void *at)
{
	ulong va = (ulong)at & ~(PAGE_SIZE - 1);

	if (va >= DIRECT_BASE)
		return;
	frame_entries[(va - FRAME_WINDOWS) / PAGE_SIZE] = 0;
	tlb_invlpg_local(va);
	this_cpu()->arch.windows_open--;
}

/* A window that no CPU knows; -1 if all are open. */
static int find_window(void)
{
	for (unsigned int pass = 0; pass < 2; pass++) {
		for (unsigned int i = 0; i < GOOD_WINDOWS; i++)
			if (!test_and_set_bit(good_used, i))
				return (int)i;
		tlb_flush_cpus(online_cpus);
		for (unsigned int i = 0; i < GOOD_WINDOWS / 32; i++) {
			good_used[i] &= ~good_stale[i];
			good_stale[i] = 0;
		}
	}
	return -1;
}

void *map_frame_for_good(mfn_t mfn)
{
	ulong base = FRAME_WINDOWS + MAX_CPUS * MAP_WINDOWS * PAGE_SIZE;
	int i;

	if (mfn < direct_frames)
		return direct_address(mfn);
	i = allocation_fails(__func__) ? -1 : find_window();
	if (i < 0)
		return NULL;
	base += (ulong)i * PAGE_SIZE;
	return open_window(hv_l1_entry(base), base, mfn);
}

void unmap_frame_for_good(void *at)
{
	ulong va = (ulong)at & ~(PAGE_SIZE - 1);
	ulong base = FRAME_WINDOWS + MAX_CPUS * MAP_WINDOWS * PAGE_SIZE;

	if (va >= DIRECT_BASE)
		return;
	*hv_l1_entry(va) = 0;
	set_bit(good_stale, (unsigned int)((va - base) / PAGE_SIZE));
}

bool guest_range(ulong address, size_t size)
{
	return address <= HV_START && size <= HV_START - address;
}
