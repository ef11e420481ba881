/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the page-type engine (pv/) has to know of PAE: Intel SDM vol. 3, 4.4.2. */
#ifndef HV_ASM_GEOMETRY_H
#define HV_ASM_GEOMETRY_H

#include "asm/pte.h"
#include "frame.h"

#define PT_LEVELS 3
#define PT_ROOT   PT_L3

#define HV_FIRST_SLOT 0x1ac /* of the L2 that maps the last GiB: HV_START / 2 MiB */

static inline unsigned int pt_entries(unsigned int level)
{
	return level == 3 ? 4 : 512;
}

static inline unsigned int pt_level(u32 type)
{
	return type == PT_L2_TOP ? 2 : type >> 28;
}

static inline u32 pt_child(u32 type, unsigned int index)
{
	if (type == PT_L3)
		return index == 3 ? PT_L2_TOP : PT_L2;
	return PT_L1;
}

/* Entries that are the hypervisor's. */
static inline bool pt_reserved(u32 type, unsigned int index)
{
	return type == PT_L2_TOP && index >= HV_FIRST_SLOT;
}

#define PT_RESERVED_TYPE  PT_L2_TOP
#define PT_RESERVED_FIRST HV_FIRST_SLOT
#define PT_RESERVED_END   512

/* What a guest may set; what is taken away without a word; what is added. A page-directory pointer
 * has no RW, US, A and D: the CPU refuses them, old guests set them. */
static inline u64 pt_allowed(unsigned int level)
{
	u64 flags = PTE_P | PTE_PWT | PTE_PCD | PTE_AVAIL;

	if (level == 3)
		return flags;
	return flags | PTE_RW | PTE_US | PTE_A | PTE_D | pte_nx;
}

static inline u64 pt_ignored(unsigned int level)
{
	return level == 3 ? PTE_RW | PTE_US | PTE_A | PTE_D : PTE_G;
}

static inline u64 pt_forced(unsigned int level)
{
	(void)level;
	return 0;
}

#endif
