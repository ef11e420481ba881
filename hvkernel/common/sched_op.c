/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercalls 29 sched_op, 15 set_timer_op, 24 vcpu_op, 21 vm_assist. */
#include "cpus.h"
#include "errno.h"
#include "event.h"
#include "frame.h"
#include "guest.h"
#include "hypercall.h"
#include "lib.h"
#include "pagetype.h"
#include "sched.h"

static long block(struct vcpu *v)
{
	v->info->upcall_mask = 0;
	if (!v->info->upcall_pending)
		vcpu_set_state(v, VCPU_BLOCKED);
	return 0;
}

static long poll(struct vcpu *v, ulong arg)
{
	struct sched_poll poll;
	u32 port = 0;

	if (!copy_from_guest(&poll, arg, sizeof(poll)))
		return -EFAULT;
	if (poll.nr_ports > 128)
		return -EINVAL;
	for (u32 i = 0; i < poll.nr_ports; i++) {
		if (!copy_from_guest(&port, poll.ports + i * sizeof(port), sizeof(port)))
			return -EFAULT;
		if (port >= MAX_EVTCHNS)
			return -EINVAL;
		if (event_is_pending(v->domain, port))
			return 0;
	}
	if (vcpu_wants_upcall(v) || (poll.timeout && poll.timeout <= now()))
		return 0;
	v->polling = true;
	v->poll_port = poll.nr_ports == 1 ? port : 0;
	if (poll.timeout)
		timer_set(&v->poll_timer, poll.timeout);
	vcpu_set_state(v, VCPU_BLOCKED);
	return 0;
}

static long remote_shutdown(ulong arg)
{
	struct sched_remote_shutdown op;
	struct domain *d;

	if (!copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	d = domain_for(op.domain);
	if (!d || !current->domain->privileged)
		return d ? -EPERM : -ESRCH;
	if (op.reason > SHUTDOWN_MAX)
		return -EINVAL;
	domain_shutdown(d, (u8)op.reason);
	return 0;
}

long sched_op(u32 cmd, ulong arg)
{
	struct vcpu *v = current;
	u32 reason;

	switch (cmd) {
	case SCHEDOP_yield:
		sched_yield();
		return 0;
	case SCHEDOP_block:
		return block(v);
	case SCHEDOP_poll:
		return poll(v, arg);
	case SCHEDOP_shutdown:
		if (!copy_from_guest(&reason, arg, sizeof(reason)))
			return -EFAULT;
		if (reason > SHUTDOWN_MAX)
			return -EINVAL;
		domain_shutdown(v->domain, (u8)reason);
		return 0;
	case SCHEDOP_shutdown_code:
		if (!copy_from_guest(&reason, arg, sizeof(reason)))
			return -EFAULT;
		v->domain->shutdown_code = (u8)reason;
		return 0;
	case SCHEDOP_remote_shutdown:
		return remote_shutdown(arg);
	default:
		return -ENOSYS;
	}
}

long set_timer_op(u64 deadline)
{
	struct vcpu *v = current;

	if (!deadline)
		timer_stop(&v->singleshot);
	else
		timer_set(&v->singleshot, deadline);
	if (v->singleshot.set && deadline <= now())
		raise_softirq(SOFTIRQ_TIMER);
	return 0;
}

static long set_singleshot(struct vcpu *v, ulong arg)
{
	struct singleshot_timer op;

	if (v != current)
		return -EINVAL;
	if (!copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.flags & 1 && op.timeout_abs_ns < now())
		return -62; /* -ETIME: it was to be in the future */
	return set_timer_op(MAX(op.timeout_abs_ns, 1ull));
}

/* From now on the vcpu's information lies in a page of the guest's own. */
static long register_info(struct vcpu *v, ulong arg)
{
	struct register_vcpu_info op;
	struct vcpu_info *info;
	struct page *page;
	u8 *mapped;

	if (!copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (v->info_page || op.offset > PAGE_SIZE - sizeof(*info) || op.offset % 8)
		return -EINVAL;
	page = op.mfn < max_frame ? page_of((mfn_t)op.mfn) : NULL;
	if (!page || !page_get(page, v->domain))
		return -EINVAL;
	if (page_get_type(page, PT_WRITABLE)) {
		page_put(page);
		return -EINVAL;
	}
	mapped = map_frame_for_good((mfn_t)op.mfn);
	if (!mapped) {
		page_put_type(page);
		page_put(page);
		return -ENOMEM;
	}
	info = (struct vcpu_info *)(void *)(mapped + op.offset);
	*info = *v->info;
	v->info = info;
	v->info_page = page;
	v->info_mapped = mapped;
	/* Events that were marked in the old place are looked for once more. */
	info->pending_sel = ~0ul;
	vcpu_mark_pending(v);
	return 0;
}

void vcpu_drop_info(struct vcpu *v)
{
	if (!v->info_page)
		return;
	unmap_frame_for_good(v->info_mapped);
	page_put_type(v->info_page);
	page_put(v->info_page);
	v->info_page = NULL;
	vcpu_set_info(v);
}

static long initialise(struct vcpu *v, ulong arg)
{
	long error;

	if (v->initialised || v->running)
		return -EEXIST;
	error = arch_set_context(v, arg);
	v->initialised = !error;
	return error;
}

static long get_runstate(struct vcpu *v, ulong arg)
{
	struct runstate_info info = v->runstate;

	info.time[info.state] += now() - info.state_entry_time;
	info.state_entry_time = now();
	return copy_to_guest(arg, &info, sizeof(info)) ? 0 : -EFAULT;
}

static long register_runstate(struct vcpu *v, ulong arg)
{
	u64 at = 0;

	if (!copy_from_guest(&at, arg, sizeof(ulong)))
		return -EFAULT;
	v->runstate_guest = (ulong)at;
	if (v == current)
		runstate_report(v);
	return 0;
}

long vcpu_op(u32 cmd, u32 id, ulong arg)
{
	struct domain *d = current->domain;
	struct vcpu *v;

	if (id >= d->max_vcpus)
		return -ENOENT;
	v = d->vcpu[id];
	switch (cmd) {
	case VCPUOP_initialise:
		return initialise(v, arg);
	case VCPUOP_up:
		if (!v->initialised)
			return -EINVAL;
		vcpu_clear_state(v, VCPU_DOWN);
		return 0;
	case VCPUOP_down:
		vcpu_set_state(v, VCPU_DOWN);
		return 0;
	case VCPUOP_is_up:
		return !(v->state & VCPU_DOWN);
	case VCPUOP_get_runstate_info:
		return get_runstate(v, arg);
	case VCPUOP_register_runstate:
		return register_runstate(v, arg);
	case VCPUOP_set_singleshot_timer:
		return set_singleshot(v, arg);
	case VCPUOP_stop_singleshot_timer:
		timer_stop(&v->singleshot);
		return 0;
	case VCPUOP_stop_periodic_timer:
		return 0; /* none runs: guests that want ticks set single shots */
	case VCPUOP_register_vcpu_info:
		return register_info(v, arg);
	default:
		return -ENOSYS;
	}
}

long vm_assist(u32 cmd, u32 type)
{
	ulong allowed = BIT(VMASST_pae_extended_cr3) | BIT(VMASST_architectural_iopl) |
			BIT(VMASST_runstate_update_flag);

	if (type >= BITS_PER_LONG || !(allowed & BIT(type)))
		return -EINVAL;
	if (cmd == VMASST_enable)
		current->domain->vm_assist |= BIT(type);
	else if (cmd == VMASST_disable)
		current->domain->vm_assist &= ~BIT(type);
	else
		return -ENOSYS;
	return 0;
}
