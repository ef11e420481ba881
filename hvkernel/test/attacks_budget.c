/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks on the hypervisor's own memory: a domain causes as much of it to be taken as it can. */
#include "suite.h"
#include "asm/pte.h"
#include "errno.h"
#include "grant.h"
#include "lib.h"

static long take_ports(void)
{
	struct evtchn_alloc_unbound unbound = {DOMID_SELF, 0, 0};
	long error;

	do
		error = CALL2(event_channel_op, EVTCHNOP_alloc_unbound, &unbound);
	while (!error);
	return error;
}

static long take_grants(void)
{
	ulong list[GRANT_FRAMES_MAX];
	struct grant_setup_table setup = {DOMID_SELF, GRANT_FRAMES_MAX, 0, (ulong)list};

	CALL3(grant_table_op, GNTTABOP_setup_table, &setup, 1);
	return setup.status;
}

/* Maps one page of its own in one place over and over: each time that is a handle more. */
static u32 take_handles(s16 *status)
{
	void *window = page_alloc();
	u32 ref = grant_page(page_alloc(), own_id()), count = 0;

	for (;; count++) {
		struct grant_map m = {(ulong)window, GNTMAP_host_map, ref, own_id(), 0, 0, 0};

		CALL3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
		*status = m.status;
		if (m.status)
			return count;
	}
}

static long another_vcpu(void)
{
	static struct vcpu_guest_context context;

	return CALL3(vcpu_op, VCPUOP_initialise, 1, &context);
}

/* All ports and grants there are; for handles that leaves what a context on its way would need, and
 * then nothing more. */
ATTACK(hypervisor_memory_beyond_budget, HOLDS, BY_DOMU | FRESH | GREEDY, 0)
{
	s16 status;

	if (take_ports() != -ENOSPC)
		return -1;
	if (take_grants() != GNTST_okay)
		return -2;
	attack_detail = take_handles(&status);
	if (attack_detail != MAPTRACK_PER_FRAME << CONTEXT_ORDER)
		return -3;
	if (status != GNTST_no_space)
		return -4;
	return another_vcpu() == -ENOMEM ? 0 : -5;
}
