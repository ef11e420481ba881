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

extern u64 boot_l4[512], boot_direct_l3[512], boot_l2[4 * 512];
u64 hv_root[512] __attribute__((aligned(4096)));

/* All memory above the boot tables' 4 GiB, and no code but the hypervisor's own. */
void tables_init(void)
{
	u64 end = (u64)max_frame << PAGE_SHIFT, four_gib = 1ull << 32;

	for (unsigned int i = 1; i < ARRAY_SIZE(boot_l2); i++)
		boot_l2[i] |= PTE_G | pte_nx;
	hv_root[262] = boot_l4[262];
	if (end > four_gib)
		hv_map(DIRECT_BASE + four_gib, four_gib, ROUND_UP(end, 1ull << 21) - four_gib,
		       PTE_P | PTE_RW | PTE_G | pte_nx);
	boot_l4[262] = hv_root[262];
	write_cr3(direct_phys(hv_root));
	tlb_reload();
}

/* Guests' kernels run in ring 3: the upper levels must let them through. */
void machphys_open_to_users(void)
{
	u64 *l3 = direct_address(pte_mfn(hv_root[256]));

	hv_root[256] |= PTE_US;
	for (unsigned int i = 0; i < 512; i++)
		if (l3[i] & PTE_P) {
			u64 *l2 = direct_address(pte_mfn(l3[i]));

			l3[i] |= PTE_US;
			for (unsigned int n = 0; n < 512; n++)
				if (l2[n] & PTE_P)
					l2[n] |= PTE_US;
		}
}

void windows_init(void)
{
	for (unsigned int i = 0; i < MAX_CPUS * WINDOW_PAGES; i++)
		hv_l1_entry(WINDOWS + i * PAGE_SIZE);
	hv_l1_entry(FIXMAP);
	hv_l1_entry(FIXMAP + 0x200000);
}

u64 hv_root_entry(unsigned int index)
{
	return hv_root[index];
}

/* Everything is in the direct map. */
void *map_frame(mfn_t mfn)
{
	return direct_address(mfn);
}

void unmap_frame(const void *at)
{
	(void)at;
}

void *map_frame_for_good(mfn_t mfn)
{
	return direct_address(mfn);
}

void unmap_frame_for_good(void *at)
{
	(void)at;
}

bool guest_range(ulong address, size_t size)
{
	ulong end = address + size;

	if (end < address)
		return false;
	return end <= 1ul << 47 || address >= HV_END;
}
