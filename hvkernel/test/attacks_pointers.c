/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attacks: every pointer of every hypercall, to each kind of place that it must not lead to. A row
 * says which call it is, with good arguments, and where among them, or in a structure that one of
 * them leads to, the pointer stands.
 */
#include "suite.h"
#include "asm/pte.h"
#include "errno.h"
#include "lib.h"

enum way { IN, OUT }; /* OUT: the hypervisor writes there, whatever it finds */

struct pointer {
	ulong nr, args[5];
	u8 at;        /* which argument is the pointer, or leads to the structure that has it */
	bool nested;  /* it stands in a structure ... */
	u8 offset;    /* ... there */
	bool wide;    /* and is 64 bits wide on both widths */
	bool null_ok; /* means: none */
	u8 way;
	u16 size; /* of what it leads to; the last byte counts */
	long error;
};

static u8 structure[512] __attribute__((aligned(16)));

static void read_only_page(u8 **page)
{
	*page = page_alloc();
	map((ulong)*page, pte_of(frame_of(*page), ro));
}

/* The places, NULL first. */
static unsigned int bad_places(const struct pointer *p, ulong *places)
{
	u8 *last = page_alloc(), *hole = page_alloc(), *fixed;
	unsigned int n = 0;

	memcpy(last, structure, sizeof(structure));
	map((ulong)hole, 0);
	if (!p->null_ok)
		places[n++] = 0;
	places[n++] = 16;
	places[n++] = HV_INSIDE;
	places[n++] = HV_BEGIN - 4;
	places[n++] = MACHPHYS + 4096;
	places[n++] = (ulong)hole;
	places[n++] = (ulong)hole - p->size + 1; /* crosses into it */
	places[n++] = ~0ul - p->size + 2;        /* wraps around */
	places[n++] = ~0ul - 7;
	if (LEVELS == 4)
		places[n++] = 1ul << 47;
	if (p->way != IN) {
		read_only_page(&fixed);
		places[n++] = (ulong)fixed;
	}
	return n;
}

static long try_pointers(const struct pointer *p)
{
	ulong places[16], args[5];
	unsigned int n = bad_places(p, places);

	for (unsigned int i = 0; i < n; i++) {
		u64 place = places[i];
		long result;

		memcpy(args, p->args, sizeof(args));
		if (p->nested) {
			memcpy(structure + p->offset, &place, p->wide ? 8 : sizeof(ulong));
			args[p->at] = (ulong)structure;
		} else {
			args[p->at] = places[i];
		}
		result = hypercall5(p->nr, args[0], args[1], args[2], args[3], args[4]);
		attack_detail = places[i];
		if (result != p->error)
			return result;
	}
	return p->error;
}

/* `fill` prepares the structure, if there is one. */
static long refused_everywhere(const struct pointer *p, void (*fill)(void))
{
	memset(structure, 0, sizeof(structure));
	if (fill)
		fill();
	return try_pointers(p);
}

#define ROW(id, by, fill, errno, ...)                                                              \
	ATTACK(id, REFUSED, by, errno)                                                             \
	{                                                                                          \
		static const struct pointer p = {__VA_ARGS__, .error = errno};                     \
                                                                                                   \
		return refused_everywhere(&p, fill);                                               \
	}
#define POINTER(id, ...)         ROW(pointer_##id, BY_DOMU | BY_DOM0, NULL, -EFAULT, __VA_ARGS__)
#define POINTER_TO_DOMU(id, ...) ROW(pointer_##id, BY_DOMU, NULL, -EFAULT, __VA_ARGS__)
#define POINTER_TO_DOM0(id, ...) ROW(pointer_##id, BY_DOM0, NULL, -EFAULT, __VA_ARGS__)
#define POINTER_IN(id, fill, errno, ...)                                                           \
	ROW(pointer_##id, BY_DOMU | BY_DOM0, fill, errno, __VA_ARGS__)
#define POINTER_IN_TO_DOM0(id, fill, errno, ...)                                                   \
	ROW(pointer_##id, BY_DOM0, fill, errno, __VA_ARGS__)

#define CALL(name, ...) .nr = HC_##name, .args = {__VA_ARGS__}

POINTER(set_trap_table, CALL(set_trap_table, 0), .null_ok = true, .size = sizeof(struct trap_info))
POINTER(mmu_update, CALL(mmu_update, 0, 1, 0, DOMID_SELF), .size = sizeof(struct mmu_update))
POINTER(mmu_update_done, CALL(mmu_update, 0, 0, 0, DOMID_SELF), .at = 2, .null_ok = true,
	.way = OUT, .size = 4)
POINTER(mmuext_op, CALL(mmuext_op, 0, 1, 0, DOMID_SELF), .size = sizeof(struct mmuext_op))
POINTER(mmuext_op_done, CALL(mmuext_op, 0, 0, 0, DOMID_SELF), .at = 2, .null_ok = true, .way = OUT,
	.size = 4)
POINTER(set_gdt, CALL(set_gdt, 0, 8), .size = sizeof(ulong))
POINTER(multicall, CALL(multicall, 0, 1), .size = sizeof(struct multicall_entry))
POINTER(console_write, CALL(console_io, CONSOLEIO_write, 64), .at = 2, .size = 64)
POINTER(version_extra, CALL(xen_version, XENVER_extraversion), .at = 1, .way = OUT, .size = 16)
POINTER(version_capabilities, CALL(xen_version, XENVER_capabilities), .at = 1, .way = OUT,
	.size = 1024)
POINTER(version_compile_info, CALL(xen_version, XENVER_compile_info), .at = 1, .way = OUT,
	.size = 144)
POINTER(version_changeset, CALL(xen_version, XENVER_changeset), .at = 1, .way = OUT, .size = 64)
POINTER(version_platform, CALL(xen_version, XENVER_platform_parameters), .at = 1, .way = OUT,
	.size = sizeof(ulong))
POINTER(version_features, CALL(xen_version, XENVER_get_features), .at = 1, .way = OUT, .size = 8)
POINTER(version_handle, CALL(xen_version, XENVER_guest_handle), .at = 1, .way = OUT, .size = 16)
POINTER_TO_DOM0(version_command_line, CALL(xen_version, XENVER_commandline), .at = 1, .way = OUT,
		.size = 1024)
POINTER(callback_op, CALL(callback_op, CALLBACKOP_register), .at = 1,
	.size = sizeof(struct callback_register))
POINTER(sched_poll, CALL(sched_op, SCHEDOP_poll), .at = 1, .size = sizeof(struct sched_poll))
POINTER(sched_shutdown, CALL(sched_op, SCHEDOP_shutdown), .at = 1, .size = 4)
POINTER(sched_shutdown_code, CALL(sched_op, SCHEDOP_shutdown_code), .at = 1, .size = 4)
POINTER(sched_remote_shutdown, CALL(sched_op, SCHEDOP_remote_shutdown), .at = 1, .size = 8)
POINTER(vcpu_runstate, CALL(vcpu_op, VCPUOP_get_runstate_info, 0), .at = 2, .way = OUT,
	.size = sizeof(struct runstate_info))
POINTER(vcpu_register_runstate, CALL(vcpu_op, VCPUOP_register_runstate, 0), .at = 2,
	.size = sizeof(ulong))
POINTER(vcpu_singleshot, CALL(vcpu_op, VCPUOP_set_singleshot_timer, 0), .at = 2,
	.size = sizeof(struct singleshot_timer))
POINTER(vcpu_info, CALL(vcpu_op, VCPUOP_register_vcpu_info, 0), .at = 2,
	.size = sizeof(struct register_vcpu_info))
POINTER_TO_DOMU(vcpu_context, CALL(vcpu_op, VCPUOP_initialise, 1), .at = 2, .size = 512)
POINTER(memory_increase, CALL(memory_op, XENMEM_increase_reservation), .at = 1,
	.size = sizeof(struct memory_reservation))
POINTER(memory_decrease, CALL(memory_op, XENMEM_decrease_reservation), .at = 1,
	.size = sizeof(struct memory_reservation))
POINTER(memory_populate, CALL(memory_op, XENMEM_populate_physmap), .at = 1,
	.size = sizeof(struct memory_reservation))
POINTER(memory_current, CALL(memory_op, XENMEM_current_reservation), .at = 1, .size = 2)
POINTER(memory_maximum, CALL(memory_op, XENMEM_maximum_reservation), .at = 1, .size = 2)
POINTER(memory_gpfn, CALL(memory_op, XENMEM_maximum_gpfn), .at = 1, .size = 2)
POINTER(memory_machphys, CALL(memory_op, XENMEM_machphys_mapping), .at = 1, .way = OUT,
	.size = sizeof(struct machphys_mapping))
POINTER_TO_DOM0(memory_map, CALL(memory_op, XENMEM_machine_memory_map), .at = 1, .way = OUT,
		.size = sizeof(struct memory_map))
POINTER(event_alloc_unbound, CALL(event_channel_op, EVTCHNOP_alloc_unbound), .at = 1,
	.size = sizeof(struct evtchn_alloc_unbound))
POINTER(event_bind_interdomain, CALL(event_channel_op, EVTCHNOP_bind_interdomain), .at = 1,
	.size = sizeof(struct evtchn_bind_interdomain))
POINTER(event_bind_virq, CALL(event_channel_op, EVTCHNOP_bind_virq), .at = 1,
	.size = sizeof(struct evtchn_bind_virq))
POINTER(event_bind_ipi, CALL(event_channel_op, EVTCHNOP_bind_ipi), .at = 1,
	.size = sizeof(struct evtchn_bind_ipi))
POINTER(event_bind_pirq, CALL(event_channel_op, EVTCHNOP_bind_pirq), .at = 1,
	.size = sizeof(struct evtchn_bind_pirq))
POINTER(event_close, CALL(event_channel_op, EVTCHNOP_close), .at = 1, .size = 4)
POINTER(event_send, CALL(event_channel_op, EVTCHNOP_send), .at = 1, .size = 4)
POINTER(event_status, CALL(event_channel_op, EVTCHNOP_status), .at = 1,
	.size = sizeof(struct evtchn_status))
POINTER(event_bind_vcpu, CALL(event_channel_op, EVTCHNOP_bind_vcpu), .at = 1,
	.size = sizeof(struct evtchn_bind_vcpu))
POINTER(event_unmask, CALL(event_channel_op, EVTCHNOP_unmask), .at = 1, .size = 4)
POINTER(event_reset, CALL(event_channel_op, EVTCHNOP_reset), .at = 1, .size = 2)
POINTER(grant_map, CALL(grant_table_op, GNTTABOP_map_grant_ref, 0, 1), .at = 1,
	.size = sizeof(struct grant_map))
POINTER(grant_unmap, CALL(grant_table_op, GNTTABOP_unmap_grant_ref, 0, 1), .at = 1,
	.size = sizeof(struct grant_unmap))
POINTER(grant_setup, CALL(grant_table_op, GNTTABOP_setup_table, 0, 1), .at = 1,
	.size = sizeof(struct grant_setup_table))
POINTER(grant_transfer, CALL(grant_table_op, GNTTABOP_transfer, 0, 1), .at = 1, .way = OUT,
	.size = sizeof(struct grant_transfer))
POINTER(grant_copy, CALL(grant_table_op, GNTTABOP_copy, 0, 1), .at = 1, .way = OUT,
	.size = sizeof(struct grant_copy))
POINTER(grant_query, CALL(grant_table_op, GNTTABOP_query_size, 0, 1), .at = 1, .way = OUT,
	.size = sizeof(struct grant_query_size))
POINTER(grant_set_version, CALL(grant_table_op, GNTTABOP_set_version, 0, 1), .at = 1, .way = OUT,
	.size = 4)
POINTER(grant_get_version, CALL(grant_table_op, GNTTABOP_get_version, 0, 1), .at = 1,
	.size = sizeof(struct grant_version))
POINTER_TO_DOM0(physdev_eoi, CALL(physdev_op, 12), .at = 1, .size = 4)
POINTER_TO_DOM0(physdev_status, CALL(physdev_op, 5), .at = 1, .way = OUT, .size = 8)
POINTER_TO_DOM0(physdev_map_pirq, CALL(physdev_op, 13), .at = 1, .size = 36)
POINTER_TO_DOM0(physdev_setup_gsi, CALL(physdev_op, 21), .at = 1, .size = 8)
POINTER_TO_DOM0(domctl, CALL(domctl, 0), .size = 128)
POINTER_TO_DOM0(sysctl, CALL(sysctl, 0), .size = 128)

/* Pointers in structures. */
static void fill_poll(void)
{
	struct sched_poll *s = (void *)structure;

	s->nr_ports = 1;
	s->timeout = 1;
}

static void fill_reservation(void)
{
	struct memory_reservation *s = (void *)structure;

	s->nr_extents = 1;
	s->domid = DOMID_SELF;
}

static void fill_setup(void)
{
	struct grant_setup_table *s = (void *)structure;

	s->dom = DOMID_SELF;
	s->nr_frames = 1;
}

static long status_of_setup(const struct pointer *p)
{
	long result;

	memset(structure, 0, sizeof(structure));
	fill_setup();
	result = try_pointers(p);
	return result ? result : ((struct grant_setup_table *)(void *)structure)->status;
}

POINTER_IN(sched_poll_ports, fill_poll, -EFAULT, CALL(sched_op, SCHEDOP_poll), .at = 1,
	   .nested = true, .offset = offsetof(struct sched_poll, ports), .size = 4)
/* These count what was done: nothing. */
POINTER_IN(memory_populate_list, fill_reservation, 0, CALL(memory_op, XENMEM_populate_physmap),
	   .at = 1, .nested = true, .offset = offsetof(struct memory_reservation, extent_start),
	   .size = sizeof(ulong))
POINTER_IN(memory_decrease_list, fill_reservation, 0, CALL(memory_op, XENMEM_decrease_reservation),
	   .at = 1, .nested = true, .offset = offsetof(struct memory_reservation, extent_start),
	   .size = sizeof(ulong))

REFUSED_STATUS(pointer_grant_setup_list, GNTST_bad_virt_addr)
{
	static const struct pointer p = {
	    CALL(grant_table_op, GNTTABOP_setup_table, 0, 1),
	    .at = 1,
	    .nested = true,
	    .offset = offsetof(struct grant_setup_table, frame_list),
	    .way = OUT,
	    .size = sizeof(ulong),
	};

	return status_of_setup(&p);
}

#ifdef __i386__
/* The entry that maps the last 2 MiB which can be a guest's. */
static long map_last(u64 entry)
{
	return update(machine(&table_of(HV_BEGIN - 1, 2)[(HV_BEGIN - 1) >> 21 & 511]), entry);
}

/* One that is no command, by its first word. */
static long op_at(struct mmuext_op *op)
{
	op->cmd = 0xffff;
	return CALL4(mmuext_op, op, 1, 0, DOMID_SELF);
}

/* What reaches over the guest's end finds memory there: the machine-to-physical table. */
REFUSED(pointer_over_the_end, EFAULT)
{
	u64 *table = table_alloc();
	long whole = -1, over = -1;

	table_fill(table, 511, pte_of(frame_of(page_alloc()), rw));
	if (!map_last(pte_of(frame_of(table), rw))) {
		whole = op_at((struct mmuext_op *)HV_BEGIN - 1);
		over = op_at((struct mmuext_op *)(HV_BEGIN - sizeof(u32)));
	}
	map_last(0);
	return whole == -ENOSYS ? over : -1;
}
#endif

static struct domctl *fill_domctl(u32 cmd)
{
	struct domctl *s = (void *)structure;

	s->cmd = cmd;
	s->interface_version = DOMCTL_VERSION;
	s->domain = bench.neighbour;
	return s;
}

static struct sysctl *fill_sysctl(u32 cmd)
{
	struct sysctl *s = (void *)structure;

	s->cmd = cmd;
	s->interface_version = SYSCTL_VERSION;
	return s;
}

/* fill_<command>: with the one member that it needs, `value`. */
#define FILL(kind, KIND, command, member, value)                                                   \
	static void fill_##command(void)                                                           \
	{                                                                                          \
		fill_##kind(KIND##_##command)->u.member = (value);                                 \
	}

FILL(domctl, DOMCTL, setvcpucontext, vcpucontext.vcpu, 1)
FILL(domctl, DOMCTL, getvcpucontext, vcpucontext.vcpu, 1)
FILL(domctl, DOMCTL, getpageframeinfo3, pageframeinfo.num, 1)
FILL(sysctl, SYSCTL, getdomaininfolist, list.max_domains, 1)
FILL(sysctl, SYSCTL, getcpuinfo, cpuinfo.max_cpus, 1)
FILL(sysctl, SYSCTL, debug_keys, debug_keys.nr_keys, 1)
FILL(sysctl, SYSCTL, readconsole, readconsole.count, 16)

static void fill_setvcpuaffinity(void)
{
	struct domctl *s = fill_domctl(DOMCTL_setvcpuaffinity);

	s->u.affinity.flags = 1;
	s->u.affinity.hard.nr_bits = 64;
}

#define IN_DOMCTL(member, length)                                                                  \
	CALL(domctl, 0), .nested = true, .wide = true,                                             \
	    .offset = offsetof(struct domctl, u.member), .size = (length)
#define IN_SYSCTL(member, length)                                                                  \
	CALL(sysctl, 0), .nested = true, .wide = true,                                             \
	    .offset = offsetof(struct sysctl, u.member), .size = (length)

POINTER_IN_TO_DOM0(domctl_set_context, fill_setvcpucontext, -EFAULT,
		   IN_DOMCTL(vcpucontext.ctxt, 512))
POINTER_IN_TO_DOM0(domctl_get_context, fill_getvcpucontext, -EFAULT,
		   IN_DOMCTL(vcpucontext.ctxt, 512), .way = OUT)
POINTER_IN_TO_DOM0(domctl_affinity, fill_setvcpuaffinity, -EFAULT,
		   IN_DOMCTL(affinity.hard.bitmap, 8))
POINTER_IN_TO_DOM0(domctl_page_info, fill_getpageframeinfo3, -EFAULT,
		   IN_DOMCTL(pageframeinfo.array, sizeof(ulong)), .way = OUT)
POINTER_IN_TO_DOM0(sysctl_list, fill_getdomaininfolist, -EFAULT,
		   IN_SYSCTL(list.buffer, sizeof(struct domctl_info)), .way = OUT)
POINTER_IN_TO_DOM0(sysctl_cpuinfo, fill_getcpuinfo, -EFAULT, IN_SYSCTL(cpuinfo.info, 8), .way = OUT)
POINTER_IN_TO_DOM0(sysctl_keys, fill_debug_keys, -EFAULT, IN_SYSCTL(debug_keys.keys, 1))
POINTER_IN_TO_DOM0(sysctl_console, fill_readconsole, -EFAULT, IN_SYSCTL(readconsole.buffer, 16),
		   .way = OUT)
