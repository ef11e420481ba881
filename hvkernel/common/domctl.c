/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercall 36, domctl: what dom0 does to other domains. Only dom0 gets here (hypercall.c). */
#include "abi/control.h"
#include "asm/machphys.h"
#include "cap.h"
#include "cpus.h"
#include "errno.h"
#include "event.h"
#include "frame.h"
#include "grant.h"
#include "guest.h"
#include "hypercall.h"
#include "lib.h"
#include "sched.h"

static domid_t last_id;

static long create(struct domctl *op)
{
	domid_t id = op->domain;
	struct domain *d;
	long error;

	if (op->u.createdomain.flags & 1)
		return -EOPNOTSUPP; /* HVM */
	if (op->u.createdomain.max_vcpus > MAX_VCPUS)
		return -EINVAL;
	if (!id || id >= DOMID_FIRST_RESERVED) {
		do
			last_id = last_id + 1 < DOMID_FIRST_RESERVED ? last_id + 1 : 1;
		while (domain_by_id(last_id));
		id = last_id;
	}
	error = domain_create(id, false, &d);
	if (error)
		return error;
	memcpy(d->handle, op->u.createdomain.handle, sizeof(d->handle));
	if (op->u.createdomain.max_grant_frames > 0)
		domain_limit_grants(
		    d, (unsigned int)MIN(op->u.createdomain.max_grant_frames, GRANT_FRAMES_MAX));
	if (op->u.createdomain.max_vcpus)
		error = domain_add_vcpus(d, op->u.createdomain.max_vcpus);
	while (error && domain_destroy(d) == -ECONTINUE)
		; /* it has next to nothing */
	op->domain = id;
	return error;
}

void fill_domain_info(const struct domain *d, void *out)
{
	struct domctl_info *info = out;
	bool running = false, blocked = true;

	memset(info, 0, sizeof(*info));
	info->domain = d->id;
	info->cpu_time = domain_runtime(d);
	for (unsigned int i = 0; i < d->max_vcpus; i++) {
		struct vcpu *v = d->vcpu[i];

		if (v->state & VCPU_DOWN)
			continue;
		info->nr_online_vcpus++;
		running |= v->running;
		blocked &= !!(v->state & VCPU_BLOCKED);
	}
	info->flags = (d->dying ? DOMINF_dying : 0) | (d->shut_down ? DOMINF_shutdown : 0) |
		      (d->pause_count ? DOMINF_paused : 0) | (blocked ? DOMINF_blocked : 0) |
		      (running ? DOMINF_running : 0) |
		      (u32)d->shutdown_code << DOMINF_shutdownshift;
	info->max_vcpu_id = d->max_vcpus - 1;
	info->tot_pages = d->tot_pages;
	info->max_pages = d->max_pages;
	info->shared_info_frame = direct_frame(d->shared);
	memcpy(info->handle, d->handle, sizeof(d->handle));
}

/* The first domain from this number on. */
static long info(struct domctl *op)
{
	struct domain *found = NULL;

	for (unsigned int i = 0; i < MAX_DOMAINS; i++)
		if (domains[i] && domains[i]->id >= op->domain &&
		    (!found || domains[i]->id < found->id))
			found = domains[i];
	if (!found)
		return -ESRCH;
	fill_domain_info(found, &op->u.info);
	op->domain = found->id;
	return 0;
}

static struct vcpu *vcpu_of(struct domain *d, u32 id)
{
	return id < d->max_vcpus ? d->vcpu[id] : NULL;
}

static long affinity(struct domain *d, struct domctl *op, bool set)
{
	struct vcpu *v = vcpu_of(d, op->u.affinity.vcpu);
	struct control_bitmap *map = &op->u.affinity.hard;
	u64 mask = 0;
	size_t size = MIN((map->nr_bits + 7) / 8, (u32)sizeof(mask));

	if (!v)
		return -ENOENT;
	if (!(op->u.affinity.flags & 1))
		return 0; /* soft affinity has no meaning here */
	if (set) {
		if (!copy_from_guest(&mask, (ulong)map->bitmap, size))
			return -EFAULT;
		if (!(mask & online_cpus))
			return -EINVAL;
		sched_set_affinity(v, (ulong)mask);
	}
	mask = v->affinity & online_cpus;
	return copy_to_guest((ulong)map->bitmap, &mask, size) ? 0 : -EFAULT;
}

static long context(struct domain *d, struct domctl *op, bool set)
{
	struct vcpu *v = vcpu_of(d, op->u.vcpucontext.vcpu);
	long error;

	if (!v || v == current)
		return v ? -EINVAL : -ENOENT;
	if (v->running)
		return v->state ? -ECONTINUE : -EBUSY; /* pause it first */
	if (!set)
		return arch_get_context(v, (ulong)op->u.vcpucontext.ctxt);
	error = arch_set_context(v, (ulong)op->u.vcpucontext.ctxt);
	if (!error) {
		v->initialised = true;
		if (!v->id)
			vcpu_clear_state(v, VCPU_DOWN);
	}
	return error;
}

static long vcpu_info(struct domain *d, struct domctl *op)
{
	struct vcpu *v = vcpu_of(d, op->u.vcpuinfo.vcpu);

	if (!v)
		return -ENOENT;
	op->u.vcpuinfo.online = !(v->state & VCPU_DOWN);
	op->u.vcpuinfo.blocked = !!(v->state & VCPU_BLOCKED);
	op->u.vcpuinfo.running = v->running;
	op->u.vcpuinfo.cpu_time = vcpu_runtime(v);
	op->u.vcpuinfo.cpu = v->cpu;
	return 0;
}

static long scheduler(struct domain *d, struct domctl *op)
{
	if (op->u.scheduler.sched_id != SCHEDULER_CREDIT)
		return -EINVAL;
	if (op->u.scheduler.cmd == 1) {
		op->u.scheduler.weight = (u16)d->weight;
		op->u.scheduler.cap = (u16)d->cap;
		return 0;
	}
	if (op->u.scheduler.cmd)
		return -EINVAL;
	if (op->u.scheduler.weight)
		d->weight = op->u.scheduler.weight;
	if (op->u.scheduler.cap != 0xffff)
		cap_change(d, op->u.scheduler.cap);
	return 0;
}

static long max_mem(struct domain *d, u64 kib)
{
	if (kib >> 2 > total_frames)
		return -EINVAL;
	d->max_pages = (ulong)(kib >> 2);
	return 0;
}

static long page_info(struct domain *d, struct domctl *op)
{
	for (u64 i = 0; i < op->u.pageframeinfo.num; i++) {
		ulong at = (ulong)(op->u.pageframeinfo.array + i * sizeof(ulong)), mfn;

		if (i >= 1024)
			return -E2BIG;
		if (!copy_from_guest(&mfn, at, sizeof(mfn)))
			return -EFAULT;
		mfn = arch_page_info(d, mfn);
		if (!copy_to_guest(at, &mfn, sizeof(mfn)))
			return -EFAULT;
	}
	return 0;
}

static long resume(struct domain *d)
{
	if (!d->shut_down)
		return 0;
	d->shut_down = false;
	d->shutdown_code = 0;
	for (unsigned int i = 0; !d->pause_count && i < d->max_vcpus; i++)
		vcpu_clear_state(d->vcpu[i], VCPU_PAUSED);
	return 0;
}

static long handle(struct domain *d, struct domctl *op)
{
	switch (op->cmd) {
	case DOMCTL_destroydomain:
		return domain_destroy(d);
	case DOMCTL_pausedomain:
		if (d == current->domain)
			return -EINVAL;
		domain_pause(d);
		return 0;
	case DOMCTL_unpausedomain:
		domain_unpause(d);
		return 0;
	case DOMCTL_setvcpuaffinity:
	case DOMCTL_getvcpuaffinity:
		return affinity(d, op, op->cmd == DOMCTL_setvcpuaffinity);
	case DOMCTL_max_mem:
		return max_mem(d, op->u.max_memkb);
	case DOMCTL_setvcpucontext:
	case DOMCTL_getvcpucontext:
		return context(d, op, op->cmd == DOMCTL_setvcpucontext);
	case DOMCTL_getvcpuinfo:
		return vcpu_info(d, op);
	case DOMCTL_max_vcpus:
		return domain_add_vcpus(d, op->u.max_vcpus);
	case DOMCTL_scheduler_op:
		return scheduler(d, op);
	case DOMCTL_setdomainhandle:
		memcpy(d->handle, op->u.handle, sizeof(d->handle));
		return 0;
	case DOMCTL_hypercall_init:
		return arch_hypercall_page(d, (mfn_t)op->u.hypercall_gmfn);
	case DOMCTL_resumedomain:
		return resume(d);
	case DOMCTL_set_address_size:
		return op->u.address_size == BITS_PER_LONG ? 0 : -EINVAL;
	case DOMCTL_get_address_size:
		op->u.address_size = BITS_PER_LONG;
		return 0;
	case DOMCTL_getpageframeinfo3:
		return page_info(d, op);
	default:
		return -ENOSYS;
	}
}

static bool gives_back(u32 cmd)
{
	return cmd == DOMCTL_createdomain || cmd == DOMCTL_getdomaininfo ||
	       cmd == DOMCTL_getvcpuinfo || cmd == DOMCTL_scheduler_op ||
	       cmd == DOMCTL_get_address_size;
}

long domctl(ulong arg)
{
	struct domctl op;
	struct domain *d;
	long result;

	if (!copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.interface_version != DOMCTL_VERSION)
		return -EACCES;
	if (op.cmd == DOMCTL_createdomain) {
		result = create(&op);
	} else if (op.cmd == DOMCTL_getdomaininfo) {
		result = info(&op);
	} else {
		d = domain_by_id(op.domain);
		if (!d || (d->dying && op.cmd != DOMCTL_destroydomain))
			return -ESRCH;
		result = handle(d, &op);
	}
	if (!result && gives_back(op.cmd) && !copy_to_guest(arg, &op, sizeof(op)))
		return -EFAULT;
	return result;
}
