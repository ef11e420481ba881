/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hypervisor's page tables. Their part of the address space is in every guest's tables as well;
 * after boot only the lowest level of the windows changes. */
#ifndef HV_ASM_TABLES_H
#define HV_ASM_TABLES_H

#include "types.h"

#ifdef __i386__
extern u64 hv_l2[512]; /* of the last GiB */
#endif
extern u64 hv_root[]; /* what runs when no guest does */

void tables_init(void); /* ia32/, x86_64/: the rest of the direct map */
void machphys_open_to_users(void);
void windows_init(void);
u64 *hv_l1_entry(ulong va);
void tlb_reload(void); /* everything, global pages too */
ulong root_address(void *root);

#endif
