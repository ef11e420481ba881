/* SPDX-License-Identifier: GPL-2.0-or-later */
/* public/memory.h, and the requests to change page tables of public/xen.h */
#ifndef HV_ABI_MEMORY_H
#define HV_ABI_MEMORY_H

#include "types.h"

enum {
	XENMEM_increase_reservation,
	XENMEM_decrease_reservation,
	XENMEM_maximum_ram_page,
	XENMEM_current_reservation,
	XENMEM_maximum_reservation,
	XENMEM_machphys_mfn_list,
	XENMEM_populate_physmap,
	XENMEM_add_to_physmap,
	XENMEM_memory_map = 9,
	XENMEM_machine_memory_map = 10,
	XENMEM_exchange = 11,
	XENMEM_machphys_mapping = 12,
	XENMEM_set_memory_map = 13,
	XENMEM_maximum_gpfn = 14
};

struct memory_reservation {
	ulong extent_start; /* guest address of ulong[] */
	ulong nr_extents;
	u32 extent_order, mem_flags;
	domid_t domid;
};

struct memory_map {
	u32 nr_entries;
	ulong buffer;
};

struct machphys_mapping {
	ulong v_start, v_end, max_mfn;
};

struct mmu_update {
	u64 ptr; /* machine address of the entry; its two low bits say what is updated */
	u64 val;
};

#define MMU_NORMAL_PT_UPDATE   0
#define MMU_MACHPHYS_UPDATE    1
#define MMU_PT_UPDATE_PRESERVE 2
#define MMU_PT_UPDATE_NO_TRANS 3
#define MMU_UPDATE_PREEMPTED   (~(~0u >> 1))

enum {
	MMUEXT_PIN_L1_TABLE,
	MMUEXT_PIN_L2_TABLE,
	MMUEXT_PIN_L3_TABLE,
	MMUEXT_PIN_L4_TABLE,
	MMUEXT_UNPIN_TABLE,
	MMUEXT_NEW_BASEPTR,
	MMUEXT_TLB_FLUSH_LOCAL,
	MMUEXT_INVLPG_LOCAL,
	MMUEXT_TLB_FLUSH_MULTI,
	MMUEXT_INVLPG_MULTI,
	MMUEXT_TLB_FLUSH_ALL,
	MMUEXT_INVLPG_ALL,
	MMUEXT_FLUSH_CACHE,
	MMUEXT_SET_LDT,
	MMUEXT_NEW_USER_BASEPTR = 15,
	MMUEXT_CLEAR_PAGE = 16,
	MMUEXT_COPY_PAGE = 17,
	MMUEXT_FLUSH_CACHE_GLOBAL = 18
};

struct mmuext_op {
	u32 cmd;
	ulong arg1; /* mfn or linear address */
	ulong arg2; /* nr_ents (32 bits), address of a vcpu mask, or source mfn */
};

#define UVMF_TLB_FLUSH      1
#define UVMF_INVLPG         2
#define UVMF_FLUSHTYPE_MASK 3
#define UVMF_ALL            4

#endif
