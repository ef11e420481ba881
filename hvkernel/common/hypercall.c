/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "console.h"
#include "cpus.h"
#include "errno.h"
#include "event.h"
#include "grant.h"
#include "guest.h"
#include "hypercall.h"
#include "lib.h"
#include "sched.h"

/* The number of entries done stays in the guest's registers: first address, then count. */
static long multicall(ulong *args)
{
	for (ulong done = 0; args[1]; done++) {
		struct multicall_entry call;

		if (done && preempt_wanted())
			return -ECONTINUE;
		if (!copy_from_guest(&call, args[0], sizeof(call)))
			return -EFAULT;
		call.result = (ulong)(call.op == HC_multicall || call.op == HC_iret
					  ? -ENOSYS
					  : hypercall(call.op, call.args));
		if ((long)call.result == -ECONTINUE) {
			/* The entry itself remembers how far it got. */
			if (!copy_to_guest(args[0], &call, sizeof(call)))
				return -EFAULT;
			return -ECONTINUE;
		}
		if (!copy_to_guest(args[0] + offsetof(struct multicall_entry, result), &call.result,
				   sizeof(call.result)))
			return -EFAULT;
		args[0] += sizeof(call);
		args[1]--;
	}
	return 0;
}

static long privileged(long (*call)(ulong), ulong nr, ulong arg)
{
	struct domain *d = current->domain;

	if (d->privileged)
		return call(arg);
	if (!d->denied++) /* once: a guest must not be able to flood the console */
		printk("domain %u may not make hypercall %lu\n", d->id, nr);
	return -EPERM;
}

long hypercall(ulong nr, ulong *args)
{
	switch (nr) {
	case HC_memory_op:
		return memory_op(args);
	case HC_multicall:
		return multicall(args);
	case HC_xen_version:
		return xen_version((u32)args[0], args[1]);
	case HC_console_io:
		return console_io(args);
	case HC_grant_table_op:
		return grant_table_op(args);
	case HC_vm_assist:
		return vm_assist((u32)args[0], (u32)args[1]);
	case HC_vcpu_op:
		return vcpu_op((u32)args[0], (u32)args[1], args[2]);
	case HC_sched_op:
		return sched_op((u32)args[0], args[1]);
	case HC_sched_op_compat: /* of before Xen 3.1: yield and block only */
		return args[0] <= SCHEDOP_block ? sched_op((u32)args[0], 0) : -ENOSYS;
	case HC_event_channel_op:
		return event_channel_op((u32)args[0], args[1]);
	case HC_physdev_op:
		return physdev_op((u32)args[0], args[1]);
	case HC_sysctl:
		return privileged(sysctl, nr, args[0]);
	case HC_domctl:
		return privileged(domctl, nr, args[0]);
	default:
		return arch_hypercall(nr, args);
	}
}
