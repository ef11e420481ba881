/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control.h"

#include "hypercall.h"

#include <string.h>

#define INTERFACE 0x15

enum {
	CREATE = 1,
	DESTROY = 2,
	PAUSE = 3,
	UNPAUSE = 4,
	GET_INFO = 5,
	SET_AFFINITY = 9,
	MAX_MEM = 11,
	SET_CONTEXT = 12,
	GET_CONTEXT = 13,
	MAX_VCPUS = 15,
	SCHEDULER = 16,
	HYPERCALL_INIT = 22,
	RESUME = 27,
	FRAME_INFO = 61,
};

#define GRANT_VERSION_1  1u
#define MAX_GRANT_FRAMES 32
#define MAX_MAPTRACK     256
#define CREDIT           5u /* public/domctl.h: XEN_SCHEDULER_ */
#define CREDIT2          6u
#define AFFINITY_HARD    1u
#define RESTART          -85 /* ERESTART: Xen wants to be asked again */

struct bitmap {
	u64a bits;
	u32 count;
	u32 pad;
} __attribute__((aligned(8)));

struct domctl {
	u32 cmd, version;
	domid_t domain;
	u16 pad[3];
	union {
		struct {
			u32 ssidref;
			u8 handle[16];
			u32 flags, iommu;
			u32 max_vcpus, max_ports;
			s32 max_grant_frames, max_maptrack_frames;
			u32 grant, vmtrace, cpupool;
			u32 emulation, misc;
		} create;
		struct domain_info info;
		u64a max_kib;
		struct {
			u32 vcpu;
			u64a context;
		} context;
		struct {
			u32 scheduler, cmd; /* cmd: 0 set, 1 get */
			u16 weight, cap;
		} weight;
		struct {
			u32 vcpu, flags;
			struct bitmap hard, soft;
		} affinity;
		u32 vcpus;
		u64a frame;
		struct {
			u64a count, array;
		} frames;
		u8 space[128];
	} u;
};

static int domctl(struct domctl *op, u32 cmd, domid_t dom)
{
	long rc;

	op->cmd = cmd;
	op->version = INTERFACE;
	op->domain = dom;
	do
		rc = hypercall(HC_DOMCTL, (unsigned long)op, 0, 0, 0);
	while (rc == RESTART);
	return (int)rc;
}

static int plain(u32 cmd, domid_t dom)
{
	struct domctl op;

	memset(&op, 0, sizeof(op));
	return domctl(&op, cmd, dom);
}

int domain_create(u32 vcpus)
{
	struct domctl op;
	domid_t dom;
	int rc;

	memset(&op, 0, sizeof(op));
	op.u.create.max_vcpus = vcpus;
	op.u.create.max_ports = MAX_PORTS - 1;
	op.u.create.max_grant_frames = MAX_GRANT_FRAMES;
	op.u.create.max_maptrack_frames = MAX_MAPTRACK;
	op.u.create.grant = GRANT_VERSION_1;
	rc = domctl(&op, CREATE, 0); /* 0: Xen chooses a number */
	if (rc)
		return rc;
	dom = op.domain;
	memset(&op, 0, sizeof(op));
	op.u.vcpus = vcpus; /* only now they are made */
	rc = domctl(&op, MAX_VCPUS, dom);
	if (!rc)
		return dom;
	domain_destroy(dom);
	return rc;
}

int domain_destroy(domid_t dom)
{
	return plain(DESTROY, dom);
}

int domain_pause(domid_t dom)
{
	return plain(PAUSE, dom);
}

int domain_unpause(domid_t dom)
{
	return plain(UNPAUSE, dom);
}

int domain_info(domid_t dom, struct domain_info *info)
{
	struct domctl op;
	int rc;

	memset(&op, 0, sizeof(op));
	rc = domctl(&op, GET_INFO, dom);
	*info = op.u.info;
	return rc;
}

int domain_set_limit(domid_t dom, u64 kib)
{
	struct domctl op;

	memset(&op, 0, sizeof(op));
	op.u.max_kib = kib;
	return domctl(&op, MAX_MEM, dom);
}

/* Whichever of the two schedulers Xen runs: their parameters look the same. */
static int weight_op(domid_t dom, u32 cmd, u16 *weight, u16 *cap)
{
	struct domctl op;
	int rc = -1;

	for (u32 scheduler = CREDIT; rc && scheduler <= CREDIT2; scheduler++) {
		memset(&op, 0, sizeof(op));
		op.u.weight.scheduler = scheduler;
		op.u.weight.cmd = cmd;
		op.u.weight.weight = *weight;
		op.u.weight.cap = *cap;
		rc = domctl(&op, SCHEDULER, dom);
	}
	*weight = op.u.weight.weight;
	*cap = op.u.weight.cap;
	return rc;
}

int domain_set_weight(domid_t dom, u16 weight, u16 cap)
{
	return weight_op(dom, 0, &weight, &cap);
}

int domain_get_weight(domid_t dom, u16 *weight, u16 *cap)
{
	*weight = *cap = 0;
	return weight_op(dom, 1, weight, cap);
}

int domain_set_cpus(domid_t dom, u32 vcpu, u64 cpus)
{
	struct domctl op;

	memset(&op, 0, sizeof(op));
	op.u.affinity.vcpu = vcpu;
	op.u.affinity.flags = AFFINITY_HARD;
	op.u.affinity.hard.bits = (unsigned long)&cpus;
	op.u.affinity.hard.count = 8 * sizeof(cpus);
	return domctl(&op, SET_AFFINITY, dom);
}

static int context_op(u32 cmd, domid_t dom, u32 vcpu, struct vcpu_guest_context *context)
{
	struct domctl op;

	memset(&op, 0, sizeof(op));
	op.u.context.vcpu = vcpu;
	op.u.context.context = (unsigned long)context;
	return domctl(&op, cmd, dom);
}

int domain_set_context(domid_t dom, u32 vcpu, struct vcpu_guest_context *context)
{
	return context_op(SET_CONTEXT, dom, vcpu, context);
}

int domain_get_context(domid_t dom, u32 vcpu, struct vcpu_guest_context *context)
{
	return context_op(GET_CONTEXT, dom, vcpu, context);
}

int domain_resume(domid_t dom)
{
	return plain(RESUME, dom);
}

int domain_hypercall_page(domid_t dom, mfn_t frame)
{
	struct domctl op;

	memset(&op, 0, sizeof(op));
	op.u.frame = frame;
	return domctl(&op, HYPERCALL_INIT, dom);
}

int domain_frame_types(domid_t dom, unsigned long *frames, unsigned long count)
{
	struct domctl op;

	memset(&op, 0, sizeof(op));
	op.u.frames.count = count;
	op.u.frames.array = (unsigned long)frames;
	return domctl(&op, FRAME_INFO, dom);
}

int domain_populate(domid_t dom, unsigned long *frames, unsigned long count)
{
	struct memory_reservation op = {.extents = frames, .count = count, .dom = dom};
	long done = hypercall(HC_MEMORY_OP, MEM_POPULATE_PHYSMAP, (unsigned long)&op, 0, 0);

	if (done == (long)count)
		return 0;
	return done < 0 ? (int)done
			: -12; /* ENOMEM: some are there; destroying the domain frees them */
}

int domain_mmuext(domid_t dom, u32 cmd, mfn_t frame)
{
	struct mmuext_op op = {.cmd = cmd, .arg1.mfn = frame};

	return (int)hypercall(HC_MMUEXT_OP, (unsigned long)&op, 1, 0, dom);
}

int domain_machphys(domid_t dom, mfn_t frame, pfn_t pfn)
{
	struct mmu_update op = {((u64)frame << PAGE_SHIFT) | MMU_MACHPHYS, pfn};

	return (int)hypercall(HC_MMU_UPDATE, (unsigned long)&op, 1, 0, dom);
}
