/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault injection: of every call that needs memory of the hypervisor's, first the first allocation
 * fails, then the second, until the call has all that it wants. Each time all that was taken must
 * be given back.
 */
#include "builder.h"
#include "asm/pte.h"
#include "errno.h"
#include "lib.h"

#define MOST 300 /* allocations of one call */

static domid_t id;
static u8 *window;

void press(char key, u32 times)
{
	static struct sysctl s;
	static char keys[64];

	memset(keys, key, sizeof(keys));
	for (; times; times -= MIN(times, (u32)sizeof(keys))) {
		s.cmd = SYSCTL_debug_keys;
		s.interface_version = SYSCTL_VERSION;
		s.u.debug_keys.keys = (ulong)keys;
		s.u.debug_keys.nr_keys = MIN(times, (u32)sizeof(keys));
		CALL1(sysctl, &s);
	}
}

static long create_with(u32 vcpus)
{
	long error;

	memset(&op, 0, sizeof(op));
	op.u.createdomain.max_vcpus = vcpus;
	op.u.createdomain.max_grant_frames = op.u.createdomain.max_maptrack_frames = -1;
	error = control(DOMCTL_createdomain, 0);
	id = error ? 0 : op.domain;
	return error;
}

static long create(void)
{
	return create_with(3);
}

static long prepare_bare(void)
{
	return create_with(0);
}

static long prepare(void)
{
	long error = create_with(1);

	op.u.max_memkb = 4096;
	return error ? error : control(DOMCTL_max_mem, id);
}

static void destroy(void)
{
	if (id)
		control(DOMCTL_destroydomain, id);
	CALL2(sched_op, SCHEDOP_yield, 0);
}

static long add_vcpus(void)
{
	op.u.max_vcpus = 4;
	return control(DOMCTL_max_vcpus, id);
}

static long populate(u32 order)
{
	ulong frames[8] = {0};
	struct memory_reservation r = {(ulong)frames, 8, order, 0, id};

	return CALL2(memory_op, XENMEM_populate_physmap, &r) == 8 ? 0 : -ENOMEM;
}

static long populate_single(void)
{
	return populate(0);
}

static long populate_blocks(void)
{
	return populate(3);
}

static long context_call(u32 cmd)
{
	static struct vcpu_guest_context c;

	memset(&c, 0, sizeof(c));
	op.u.vcpucontext.vcpu = 0;
	op.u.vcpucontext.ctxt = (ulong)&c;
	return control(cmd, id) == -ENOMEM ? -ENOMEM : 0; /* there are no tables to set */
}

static long set_context(void)
{
	return context_call(DOMCTL_setvcpucontext);
}

static long get_context(void)
{
	return context_call(DOMCTL_getvcpucontext);
}

static long take_ports(void)
{
	struct evtchn_alloc_unbound unbound = {id, 0, 0};
	long error = 0;

	for (unsigned int i = 0; i < 600 && !error; i++) /* more than a page of them */
		error = CALL2(event_channel_op, EVTCHNOP_alloc_unbound, &unbound);
	return error;
}

static long grow_grants(void)
{
	static ulong list[32];
	struct grant_setup_table setup = {id, 32, 0, (ulong)list};

	CALL3(grant_table_op, GNTTABOP_setup_table, &setup, 1);
	return setup.status;
}

/* Our first mapping of a grant: its page of handles stays. */
static long map_grant(void)
{
	struct grant_map m = {(ulong)window, GNTMAP_host_map, 8, id, 0, 0, 0};

	CALL3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
	return m.status == GNTST_no_space ? -ENOMEM : 0;
}

/* Of our second vcpu, once and for all. */
static long register_info(void)
{
	struct register_vcpu_info info = {frame_of(window), 0, 0};

	return CALL3(vcpu_op, VCPUOP_register_vcpu_info, 1, &info);
}

static long nothing(void)
{
	return 0;
}

static void leave_it(void)
{
}

static const struct {
	const char *name;
	long (*prepare)(void), (*call)(void);
	void (*undo)(void);
	u32 keeps; /* frames, when it has succeeded */
} calls[] = {
    {"createdomain", nothing, create, destroy, 0},
    {"max_vcpus", prepare_bare, add_vcpus, destroy, 0},
    {"populate_physmap", prepare, populate_single, destroy, 0},
    {"populate_physmap of blocks", prepare, populate_blocks, destroy, 0},
    {"setvcpucontext", prepare, set_context, destroy, 0},
    {"getvcpucontext", prepare, get_context, destroy, 0},
    {"alloc_unbound", prepare, take_ports, destroy, 0},
    {"setup_table", prepare, grow_grants, destroy, 0},
    {"map_grant_ref", prepare, map_grant, destroy, 1},
    {"register_vcpu_info", nothing, register_info, leave_it, 0},
};

static void walk(unsigned int which)
{
	char what[96];
	u32 n;

	for (n = 1; n < MOST; n++) {
		u64 before = free_pages();
		long error = calls[which].prepare();
		u32 kept;

		check(!error, "it is prepared");
		press('f', n);
		error = calls[which].call();
		press('F', 1);
		calls[which].undo();
		kept = error ? 0 : calls[which].keeps;
		if (free_pages() + kept != before) {
			say("%llu of %llu frames are free\n", (unsigned long long)free_pages(),
			    (unsigned long long)before);
			check(false, "a call that finds no memory gives back what it has");
		}
		if (!error)
			break;
	}
	print_to(what, sizeof(what), "%s fails at each of %u allocations and goes on",
		 calls[which].name, n - 1);
	check(n < MOST, what);
}

void test_faults(void)
{
	window = page_alloc();
	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++)
		walk(i);
}
