/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only dom0 may ask Xen for: domains and their memory (public/domctl.h, interface 0x15 of
 * Xen 4.17). */
#ifndef DOM0_CONTROL_H
#define DOM0_CONTROL_H

#include "xen.h"

struct domain_info {
	domid_t domain;
	u16 pad1;
	u32 flags;
	u64a tot_pages, max_pages, outstanding_pages, shr_pages, paged_pages;
	u64a shared_info_frame, cpu_time;
	u32 nr_online_vcpus, max_vcpu_id, ssidref;
	u8 handle[16];
	u32 cpupool;
	u8 gpaddr_bits, pad2[7];
	u32 emulation_flags, misc_flags;
};

#define DOMAIN_DYING    1u
#define DOMAIN_SHUTDOWN 4u
#define DOMAIN_PAUSED   8u
#define DOMAIN_BLOCKED  16u
#define DOMAIN_RUNNING  32u

static inline enum shutdown_reason domain_reason(const struct domain_info *info)
{
	return (enum shutdown_reason)(info->flags >> 16 & 255);
}

struct vcpu_guest_context; /* vcpu_context.h of the architecture */

/* All return 0 or Xen's negative error; create returns the new domain. */
int domain_create(u32 vcpus);
int domain_destroy(domid_t dom);
int domain_pause(domid_t dom);
int domain_unpause(domid_t dom);
/* The domain `dom` or the first one behind it. */
int domain_info(domid_t dom, struct domain_info *info);
int domain_set_limit(domid_t dom, u64 kib);
int domain_set_weight(domid_t dom, u16 weight, u16 cap);
int domain_get_weight(domid_t dom, u16 *weight, u16 *cap);
/* Let a vcpu run on these CPUs only; bit n: CPU n. */
int domain_set_cpus(domid_t dom, u32 vcpu, u64 cpus);
int domain_set_context(domid_t dom, u32 vcpu, struct vcpu_guest_context *context);
int domain_get_context(domid_t dom, u32 vcpu, struct vcpu_guest_context *context);
/* Let one that has suspended go on. */
int domain_resume(domid_t dom);
int domain_hypercall_page(domid_t dom, mfn_t frame);
/* The types of frames (in) as page tables (out): bits 28-30 level, 31 pinned; 15 << 28: none. */
int domain_frame_types(domid_t dom, unsigned long *frames, unsigned long count);

#define FRAME_LEVEL(type)  ((type) >> 28 & 7)
#define FRAME_PINNED(type) ((type) >> 31 & 1)
#define FRAME_NONE         0xful

/* Give a domain pages: `frames` holds their pfns, and their frames afterwards. */
int domain_populate(domid_t dom, unsigned long *frames, unsigned long count);
/* One operation of mmuext on frames of a domain. */
int domain_mmuext(domid_t dom, u32 cmd, mfn_t frame);
/* Tell Xen that the frame is the domain's page `pfn`. */
int domain_machphys(domid_t dom, mfn_t frame, pfn_t pfn);

#endif
