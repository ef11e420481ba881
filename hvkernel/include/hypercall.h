/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls. A long one that `preempt_wanted()` notes its progress in its arguments and returns
 * -ECONTINUE: the guest's instruction is executed anew after other work was done.
 */
#ifndef HV_HYPERCALL_H
#define HV_HYPERCALL_H

#include "abi/memory.h"
#include "domain.h"

/* Does call `nr`; may change args. */
long hypercall(ulong nr, ulong *args);

long console_io(ulong *args);
long sched_op(u32 cmd, ulong arg);
long set_timer_op(u64 deadline);
long vcpu_op(u32 cmd, u32 id, ulong arg);
long xen_version(u32 cmd, ulong arg);
long memory_op(ulong *args);
long domctl(ulong arg);
long sysctl(ulong arg);
long vm_assist(u32 cmd, u32 type);

void fill_domain_info(const struct domain *d, void *info);

/* By the arch: */
extern char capabilities[];
long arch_hypercall(ulong nr, ulong *args);
long physdev_op(u32 cmd, ulong arg);
ulong arch_features(void);
ulong arch_virt_start(void);
int arch_set_context(struct vcpu *v, ulong guest_context);
int arch_get_context(struct vcpu *v, ulong guest_context);
int arch_hypercall_page(struct domain *d, mfn_t mfn);
u32 arch_page_info(struct domain *d, mfn_t mfn);
long arch_machine_memory_map(struct memory_map *map);
/* What is on the machine's screen; its size, or 0 for nothing. */
size_t arch_screen(struct dom0_vga_console_info *info);

#endif
