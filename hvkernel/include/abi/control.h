/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only dom0 may ask for: public/domctl.h (interface 0x15, Xen 4.17) and sysctl.h (0x15). All
 * 64-bit fields are 8-aligned on every arch, guest addresses are 64 bits wide. */
#ifndef HV_ABI_CONTROL_H
#define HV_ABI_CONTROL_H

#include "types.h"

#define DOMCTL_VERSION 0x15
#define SYSCTL_VERSION 0x15

typedef u64 __attribute__((aligned(8))) u64a;

enum {
	DOMCTL_createdomain = 1,
	DOMCTL_destroydomain = 2,
	DOMCTL_pausedomain = 3,
	DOMCTL_unpausedomain = 4,
	DOMCTL_getdomaininfo = 5,
	DOMCTL_setvcpuaffinity = 9,
	DOMCTL_max_mem = 11,
	DOMCTL_setvcpucontext = 12,
	DOMCTL_getvcpucontext = 13,
	DOMCTL_getvcpuinfo = 14,
	DOMCTL_max_vcpus = 15,
	DOMCTL_scheduler_op = 16,
	DOMCTL_setdomainhandle = 17,
	DOMCTL_hypercall_init = 22,
	DOMCTL_getvcpuaffinity = 25,
	DOMCTL_resumedomain = 27,
	DOMCTL_set_address_size = 35,
	DOMCTL_get_address_size = 36,
	DOMCTL_getpageframeinfo3 = 61
};

#define DOMINF_dying         1
#define DOMINF_shutdown      4
#define DOMINF_paused        8
#define DOMINF_blocked       16
#define DOMINF_running       32
#define DOMINF_shutdownshift 16

struct domctl_info {
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

struct control_bitmap {
	u64a bitmap; /* guest address */
	u32 nr_bits;
};

struct domctl {
	u32 cmd;
	u32 interface_version;
	domid_t domain;
	u16 pad[3];
	union {
		struct {
			u32 ssidref;
			u8 handle[16];
			u32 flags, iommu_opts;
			u32 max_vcpus, max_evtchn_port;
			s32 max_grant_frames, max_maptrack_frames;
			u32 grant_opts, vmtrace_size, cpupool_id;
			u32 emulation_flags, misc_flags;
		} createdomain;
		struct domctl_info info;
		struct {
			u64a num;
			u64a array; /* guest address of ulong[] */
		} pageframeinfo;
		struct {
			u32 vcpu, flags; /* flags: 1 hard, 2 soft */
			struct control_bitmap hard __attribute__((aligned(8)));
			struct control_bitmap soft __attribute__((aligned(8)));
		} affinity;
		u64a max_memkb;
		struct {
			u32 vcpu;
			u64a ctxt; /* guest address of struct vcpu_guest_context */
		} vcpucontext;
		struct {
			u32 vcpu;
			u8 online, blocked, running;
			u64a cpu_time;
			u32 cpu;
		} vcpuinfo;
		u32 max_vcpus;
		struct {
			u32 sched_id, cmd; /* cmd: 0 put, 1 get */
			u16 weight, cap;
		} scheduler;
		u8 handle[16];
		u64a hypercall_gmfn;
		u32 address_size;
		u64a space[16];
	} u;
};

#define SCHEDULER_CREDIT  5
#define PFINFO_LTAB_SHIFT 28
#define PFINFO_PINNED     (1u << 31)
#define PFINFO_INVALID    (0xfu << 28)

enum {
	SYSCTL_readconsole = 1,
	SYSCTL_physinfo = 3,
	SYSCTL_sched_id = 4,
	SYSCTL_getdomaininfolist = 6,
	SYSCTL_debug_keys = 7,
	SYSCTL_getcpuinfo = 8
};

struct sysctl {
	u32 cmd;
	u32 interface_version;
	union {
		struct {
			u8 clear, incremental, pad0, pad1;
			u32 index;
			u64a buffer;
			u32 count;
		} readconsole;
		struct {
			u32 threads_per_core, cores_per_socket, nr_cpus, max_cpu_id;
			u32 nr_nodes, max_node_id, cpu_khz, capabilities, arch_capabilities, pad;
			u64a total_pages, free_pages, scrub_pages, outstanding_pages;
			u64a max_mfn;
			u32 hw_cap[8];
		} physinfo;
		u32 sched_id;
		struct {
			domid_t first_domain;
			u32 max_domains;
			u64a buffer;
			u32 num_domains;
		} list;
		struct {
			u64a keys;
			u32 nr_keys;
		} debug_keys;
		struct {
			u32 max_cpus;
			u64a info; /* guest address of u64[]: idle time in ns */
			u32 nr_cpus;
		} cpuinfo;
		u64a space[16];
	} u;
};

#endif
