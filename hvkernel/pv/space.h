/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The address space of a vcpu. */
#ifndef HV_PV_SPACE_H
#define HV_PV_SPACE_H

#include "domain.h"
#include "frame.h"

/* The table at `level` that translates va for the current vcpu, and the index in it; NULL: there is
 * none of its own. */
struct page *space_walk(ulong va, unsigned int level, unsigned int *index);

/* New page tables for the kernel, or (x86-64) for applications. mfn 0 with `user`: none. */
int space_set_root(struct vcpu *v, mfn_t mfn, bool user);
/* Gives back the roots, descriptor tables and vcpu_info that v holds. */
void space_drop(struct vcpu *v);

/* x86-64: goes from the guest's kernel to its application, or back. */
void space_toggle(struct vcpu *v);

/* By the arch: loads CR3 for the current vcpu. */
void space_load(struct vcpu *v);
/* descriptor.c */
int space_set_gdt(struct vcpu *v, const ulong *frames, ulong entries);
int space_set_ldt(struct vcpu *v, ulong base, ulong entries);
void space_load_descriptors(struct vcpu *v);
long update_descriptor(u64 address, u64 descriptor);

/* The CPUs that run vcpus of a mask in the guest's memory. */
ulong vcpu_mask_cpus(ulong at);

long mmu_update(ulong *args);
long mmuext_op(ulong *args);
long update_va_mapping(ulong va, u64 entry, ulong flags, domid_t owner);

#endif
