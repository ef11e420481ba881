/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercall 35, sysctl: what dom0 asks of the machine as a whole. */
#include "abi/control.h"
#include "console.h"
#include "cpus.h"
#include "errno.h"
#include "frame.h"
#include "guest.h"
#include "hypercall.h"
#include "lib.h"

static long readconsole(struct sysctl *op)
{
	u32 left = op->u.readconsole.count, done = 0;
	char text[256];
	size_t n;

	do {
		bool more = op->u.readconsole.incremental || done;

		n = console_ring_read(text, MIN(left - done, sizeof(text)),
				      &op->u.readconsole.index, more, op->u.readconsole.clear);
		if (!copy_to_guest((ulong)op->u.readconsole.buffer + done, text, n))
			return -EFAULT;
		done += n;
	} while (n == sizeof(text) && done < left && done < 65536);
	op->u.readconsole.count = done;
	return 0;
}

static long physinfo(struct sysctl *op)
{
	memset(&op->u, 0, sizeof(op->u));
	op->u.physinfo.threads_per_core = op->u.physinfo.cores_per_socket = 1;
	op->u.physinfo.nr_cpus = (u32)__builtin_popcountl(online_cpus);
	op->u.physinfo.max_cpu_id = cpu_count - 1;
	op->u.physinfo.nr_nodes = 1;
	op->u.physinfo.cpu_khz = cpu_khz();
	op->u.physinfo.capabilities = 2; /* PV */
	op->u.physinfo.total_pages = total_frames;
	op->u.physinfo.free_pages = free_frames;
	op->u.physinfo.max_mfn = max_frame - 1;
	return 0;
}

static long list(struct sysctl *op)
{
	struct domctl_info info;
	u32 found = 0;

	for (u32 id = op->u.list.first_domain;
	     found < op->u.list.max_domains && id < DOMID_FIRST_RESERVED; id++) {
		struct domain *next = NULL;

		for (unsigned int i = 0; i < MAX_DOMAINS; i++)
			if (domains[i] && domains[i]->id >= id &&
			    (!next || domains[i]->id < next->id))
				next = domains[i];
		if (!next)
			break;
		id = next->id;
		fill_domain_info(next, &info);
		if (!copy_to_guest((ulong)op->u.list.buffer + found * sizeof(info), &info,
				   sizeof(info)))
			return -EFAULT;
		found++;
	}
	op->u.list.num_domains = found;
	return 0;
}

static long debug_keys(const struct sysctl *op)
{
	char key;

	for (u32 i = 0; i < op->u.debug_keys.nr_keys && i < 64; i++) {
		if (!copy_from_guest(&key, (ulong)op->u.debug_keys.keys + i, 1))
			return -EFAULT;
		handle_key(key);
	}
	return 0;
}

static long cpuinfo(struct sysctl *op)
{
	u32 n = MIN(op->u.cpuinfo.max_cpus, cpu_count);

	for (u32 i = 0; i < n; i++) {
		u64 idle = cpus[i]->idle_time;

		if (!copy_to_guest((ulong)op->u.cpuinfo.info + i * sizeof(idle), &idle,
				   sizeof(idle)))
			return -EFAULT;
	}
	op->u.cpuinfo.nr_cpus = n;
	return 0;
}

static long handle(struct sysctl *op)
{
	switch (op->cmd) {
	case SYSCTL_readconsole:
		return readconsole(op);
	case SYSCTL_physinfo:
		return physinfo(op);
	case SYSCTL_sched_id:
		op->u.sched_id = SCHEDULER_CREDIT;
		return 0;
	case SYSCTL_getdomaininfolist:
		return list(op);
	case SYSCTL_debug_keys:
		return debug_keys(op);
	case SYSCTL_getcpuinfo:
		return cpuinfo(op);
	default:
		return -ENOSYS;
	}
}

long sysctl(ulong arg)
{
	struct sysctl op;
	long result;

	if (!copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.interface_version != SYSCTL_VERSION)
		return -EACCES;
	result = handle(&op);
	if (!result && !copy_to_guest(arg, &op, sizeof(op)))
		return -EFAULT;
	return result;
}
