/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains that come and go by chance: of all sizes, half built, or destroyed while they run.
 * Nothing of them may be left. */
#include "builder.h"
#include "suite.h"
#include "asm/pte.h"
#include "errno.h"
#include "lib.h"

#define FRAMES_MAX  64
#define FULL_ONE_IN 24 /* is built whole, and runs */

static u64 state = 0x9e3779b97f4a7c15ull;

static u32 chance(u32 below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (u32)(state >> 32) % below;
}

/* What dom0 holds of the domain of this turn. */
static struct {
	domid_t id;
	ulong frames[FRAMES_MAX], count;
	u32 port, handle;
	bool mapped;
	u64 *window;
	struct grant_entry *grants;
	u64 *table; /* a frame of it, mapped to be written */
} turn;
static u32 ran, pinned, granted; /* of all of them: how many */

static void take_frames(void)
{
	struct memory_reservation r = {(ulong)turn.frames, chance(FRAMES_MAX) + 1, 0, 0, turn.id};

	op.u.max_memkb = FRAMES_MAX * 4;
	control(DOMCTL_max_mem, turn.id);
	for (ulong i = 0; i < r.nr_extents; i++)
		turn.frames[i] = i;
	turn.count = (ulong)CALL2(memory_op, XENMEM_populate_physmap, &r);
	if (turn.count && !chance(3)) { /* and some go again */
		r.nr_extents = chance((u32)turn.count);
		turn.count -= r.nr_extents;
		r.extent_start = (ulong)&turn.frames[turn.count];
		CALL2(memory_op, XENMEM_decrease_reservation, &r);
	}
}

static long pin(u32 cmd, ulong frame)
{
	struct mmuext_op pin_op = {cmd, frame, 0};

	return CALL4(mmuext_op, &pin_op, 1, 0, turn.id);
}

/* A table that maps the other frames, then one above it; what is pinned stays so. */
static void make_tables(void)
{
	if (turn.count < 4 || map_foreign(turn.table, turn.id, turn.frames[0]))
		return;
	for (ulong i = 2; i < turn.count; i++)
		turn.table[i] = pte_of(turn.frames[i], chance(2) ? rw : ro);
	map_foreign(turn.table, turn.id, turn.frames[1]);
	turn.table[chance(100)] = pte_of(turn.frames[0], rw);
	map((ulong)turn.table, 0);
	pinned += !pin(MMUEXT_PIN_L1_TABLE, turn.frames[0]);
	if (chance(2))
		pin(MMUEXT_PIN_L2_TABLE, turn.frames[1]);
	if (!chance(4))
		pin(MMUEXT_UNPIN_TABLE, turn.frames[0]);
}

static void make_events(void)
{
	struct evtchn_alloc_unbound theirs = {turn.id, 0, 0};
	struct evtchn_bind_interdomain ours = {turn.id, 0, 0};

	for (u32 n = chance(700); n; n--)
		CALL2(event_channel_op, EVTCHNOP_alloc_unbound, &theirs);
	ours.remote_port = theirs.port;
	if (CALL2(event_channel_op, EVTCHNOP_bind_interdomain, &ours))
		return;
	turn.port = ours.local_port;
	CALL2(event_channel_op, EVTCHNOP_send, &turn.port);
}

/* It grants us a frame, which we map; often still when it dies. */
static void make_grants(void)
{
	ulong list[8] = {0};
	struct grant_setup_table setup = {turn.id, chance(8) + 1, 0, (ulong)list};
	struct grant_map m = {(ulong)turn.window, GNTMAP_host_map, 8, turn.id, 0, 0, 0};

	CALL3(grant_table_op, GNTTABOP_setup_table, &setup, 1);
	if (setup.status || !turn.count || map_foreign(turn.grants, turn.id, list[0]))
		return;
	turn.grants[8] =
	    (struct grant_entry){GTF_permit_access, 0, (u32)turn.frames[turn.count - 1]};
	map((ulong)turn.grants, 0);
	CALL3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
	turn.mapped = !m.status;
	granted += turn.mapped;
	turn.handle = m.handle;
}

static void unmap_grant(void)
{
	struct grant_unmap un = {(ulong)turn.window, 0, turn.handle, 0};

	if (turn.mapped)
		CALL3(grant_table_op, GNTTABOP_unmap_grant_ref, &un, 1);
	turn.mapped = false;
}

static void set_context(void)
{
	static struct vcpu_guest_context c;

	memset(&c, 0, sizeof(c));
	c.ctrlreg[3] = (turn.count ? turn.frames[0] : 1) << PAGE_SHIFT; /* refused, nearly always */
	op.u.vcpucontext.vcpu = chance(4);
	op.u.vcpucontext.ctxt = (ulong)&c;
	control(DOMCTL_setvcpucontext, turn.id);
}

static bool half_built(void)
{
	static void (*const steps[])(void) = {take_frames, make_tables, make_events, make_grants,
					      set_context};

	memset(&op, 0, sizeof(op));
	op.u.createdomain.max_vcpus = chance(5);
	op.u.createdomain.max_grant_frames = op.u.createdomain.max_maptrack_frames = -1;
	if (control(DOMCTL_createdomain, 0))
		return false;
	turn.id = op.domain;
	turn.count = 0;
	turn.port = 0;
	for (u32 i = 0, end = chance(ARRAY_SIZE(steps) + 1); i < end; i++)
		if (chance(4))
			steps[i]();
	if (!chance(3)) {
		op.u.max_vcpus = chance(8) + 1;
		control(DOMCTL_max_vcpus, turn.id);
	}
	if (!chance(3))
		unmap_grant();
	return true;
}

static bool whole(void)
{
	static struct domu d;

	if (!build(&d, 1024, chance(2) + 1, "churn"))
		return false;
	ran++;
	turn.id = d.id;
	turn.port = 0;
	nap(chance(3000000));
	return true;
}

static bool one_turn(void)
{
	bool good = chance(FULL_ONE_IN) ? half_built() : whole();

	good = good && !control(DOMCTL_destroydomain, turn.id);
	unmap_grant();
	if (turn.port)
		good &= !CALL2(event_channel_op, EVTCHNOP_close, &turn.port);
	CALL2(sched_op, SCHEDOP_yield, 0);
	return good;
}

/* dom0's own: the next port and the next handle are the lowest again. */
static u32 next_port(void)
{
	struct evtchn_alloc_unbound unbound = {DOMID_SELF, 0, 0};

	CALL2(event_channel_op, EVTCHNOP_alloc_unbound, &unbound);
	CALL2(event_channel_op, EVTCHNOP_close, &unbound.port);
	return unbound.port;
}

void test_cycles(u32 turns)
{
	u64 before = 0;
	u32 port = 0, i;

	turn.window = page_alloc();
	turn.grants = page_alloc();
	turn.table = page_alloc();
	for (i = 0; i < turns + 64; i++) {
		if (i == 64) { /* what dom0 itself needs for it is there now */
			before = free_pages();
			port = next_port();
		}
		if (!one_turn() || (i >= 64 && free_pages() != before)) {
			say("turn %u, domain %u: %llu of %llu frames\n", i, turn.id,
			    (unsigned long long)free_pages(), (unsigned long long)before);
			check(false, "nothing is lost");
			return;
		}
	}
	say("%u domains came and went: %u ran, %u had pinned tables, %u granted\n", i, ran, pinned,
	    granted);
	check(free_pages() == before && next_port() == port, "nothing is lost");
	check(control(DOMCTL_getdomaininfo, 1) == -ESRCH, "no domain is left");
}

/* Maps a page of its own by a grant to itself, and leaves it so. */
static void map_own_grant(u32 ref)
{
	struct grant_map m = {(ulong)page_alloc(), GNTMAP_host_map, ref, own_id(), 0, 0, 0};

	CALL3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
}

/* What a whole one does until it is destroyed. */
_Noreturn void churn(void)
{
	u32 ref = grant_page(&state, own_id());

	struct memory_reservation r = {0, 1, 0, 0, DOMID_SELF};
	ulong frames[32], frame;
	u32 port;

	state += system_time();
	map_own_grant(ref);
	for (;;) {
		struct evtchn_alloc_unbound unbound = {DOMID_SELF, DOMID_SELF, 0};
		struct grant_setup_table setup = {DOMID_SELF, chance(32), 0, (ulong)frames};
		void *page = page_alloc();

		frame = frame_of(page);
		r.extent_start = (ulong)&frame;
		CALL2(event_channel_op, EVTCHNOP_alloc_unbound, &unbound);
		port = chance(unbound.port + 1);
		if (chance(2))
			CALL2(event_channel_op, EVTCHNOP_close, &port);
		CALL3(grant_table_op, GNTTABOP_setup_table, &setup, 1);
		map((ulong)page, chance(2) ? pte_of(frame, ro) : 0);
		ext(MMUEXT_PIN_L1_TABLE, frame);
		if (chance(2))
			CALL2(memory_op, XENMEM_decrease_reservation, &r);
		if (!chance(8))
			map_own_grant(ref);
		CALL2(set_timer_op, system_time() + chance(100000), 0);
		if (page == (void *)(VIRT_BASE + (800ul << PAGE_SHIFT)))
			nap(1000000000);
	}
}
