/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the page-type engine (pv/) has to know of 4-level paging: Intel SDM vol. 3, 4.5. */
#ifndef HV_ASM_GEOMETRY_H
#define HV_ASM_GEOMETRY_H

#include "asm/pte.h"
#include "frame.h"

#define PT_LEVELS 4
#define PT_ROOT   PT_L4

static inline unsigned int pt_entries(unsigned int level)
{
	(void)level;
	return 512;
}

static inline unsigned int pt_level(u32 type)
{
	return type >> 28;
}

static inline u32 pt_child(u32 type, unsigned int index)
{
	(void)index;
	return type - PT_L1;
}

/* Entries that are the hypervisor's. */
static inline bool pt_reserved(u32 type, unsigned int index)
{
	return type == PT_L4 && index >= 256 && index < 272;
}

#define PT_RESERVED_TYPE  PT_L4
#define PT_RESERVED_FIRST 256
#define PT_RESERVED_END   272

/* What a guest may set; what is taken away without a word; what is added: guests' kernels run in
 * ring 3, so everything of theirs is a user page. */
static inline u64 pt_allowed(unsigned int level)
{
	(void)level;
	return PTE_P | PTE_RW | PTE_US | PTE_PWT | PTE_PCD | PTE_A | PTE_D | PTE_AVAIL |
	       0x7ff0000000000000ull | pte_nx;
}

static inline u64 pt_ignored(unsigned int level)
{
	(void)level;
	return PTE_G;
}

static inline u64 pt_forced(unsigned int level)
{
	(void)level;
	return PTE_US;
}

#endif
