/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What hypercalls, events and devices cost a guest, by the TSC: on a machine that counts
 * instructions (QEMU's -icount shift=0) a tick is one. `role=partner` makes the guest that answers;
 * the other one is started after it, and so has the next number.
 */
#include "bench.h"

#include "base.h"
#include "blkif.h"
#include "clock.h"
#include "event.h"
#include "grant.h"
#include "hypercall.h"
#include "memory.h"
#include "netif.h"
#include "pagetable.h"
#include "xs.h"

#include <stdio.h>
#include <string.h>

#define BATCHES 5u
#define ROUNDS  1000u /* of one batch */
#define UPDATES 64u   /* of one call of mmu_update */

static domid_t partner_id;
static port_t port; /* to the partner */
static struct meeting *meeting;
static gref_t page_ref;
static struct ip ip;
static u32 failures;

static void check(bool ok)
{
	failures += !ok;
}

/* The quickest of some batches, so that a timer's interrupt is not in it; in tenths of a tick. */
static void measure(const char *name, void (*round)(void), u64 rounds)
{
	u64 best = UINT64_MAX;

	round();
	failures = 0;
	for (u32 batch = 0; batch < BATCHES; batch++) {
		u64 begin = cycles(), took;

		for (u64 i = 0; i < rounds; i++)
			round();
		took = (cycles() - begin) * 10 / rounds;
		best = took < best ? took : best;
	}
	if (failures)
		printf("bench: %s failed %u times\n", name, failures);
	else
		printf("bench: %s %llu.%llu\n", name, (unsigned long long)best / 10,
		       (unsigned long long)best % 10);
}

static void null_hypercall(void)
{
	check(hypercall(HC_XEN_VERSION, VERSION_VERSION, 0, 0, 0) > 0);
}

/* An event to ourselves, taken by the upcall, which leaves events off (traps.c). */
static port_t own_port;

static void upcall(void)
{
	volatile unsigned long *word = &shared->pending[own_port / (8 * sizeof(long))];

	shared->vcpu[0].upcall_mask = 0;
	event_send(own_port);
	check(shared->vcpu[0].upcall_mask);
	shared->vcpu[0].pending_sel = 0;
	*word = 0;
}

static void measure_upcall(void)
{
	int unbound = event_unbound(DOMID_SELF), bound;

	bound = unbound < 0 ? unbound : event_interdomain(DOMID_SELF, (port_t)unbound);
	if (bound < 0)
		panic("no event channel to ourselves");
	own_port = (port_t)bound;
	event_handle((port_t)unbound, NULL, NULL);
	event_handle(own_port, NULL, NULL);
	while (loop(now()), shared->vcpu[0].pending_sel)
		;
	measure("event, to itself", upcall, ROUNDS);
	event_close((port_t)unbound);
	event_close(own_port);
}

static u32 pongs;

static void pong(void *data)
{
	(void)data;
	pongs++;
}

/* There and back: two events, and on one CPU two switches of domains. */
static void ping_pong(void)
{
	u32 before = pongs;

	event_send(port);
	while (pongs == before)
		loop(UINT64_MAX);
}

static void yield(void)
{
	hypercall(HC_SCHED_OP, SCHED_YIELD, 0, 0, 0);
}

/* Both yield all the time; what counts is how often the partner did, for some schedulers let the
 * same vcpu go on. */
static void measure_switches(void)
{
	u64 begin, took, best = UINT64_MAX;

	meeting->spin = 1;
	event_send(port);
	for (u32 batch = 0; batch < BATCHES; batch++) {
		u32 first;

		yield();
		begin = cycles();
		first = meeting->yields;
		while (meeting->yields - first < ROUNDS)
			yield();
		took = (cycles() - begin) * 10 / (2 * (u64)(meeting->yields - first));
		best = took < best ? took : best;
	}
	meeting->spin = 0;
	yield();
	printf("bench: context switch %llu.%llu\n", (unsigned long long)best / 10,
	       (unsigned long long)best % 10);
}

static char *page;

static void grant_copy(void)
{
	check(grant_read(page, partner_id, page_ref, 0, PAGE_SIZE));
}

static void grant_mapping(void)
{
	struct grant_map map;

	check(grant_map(&map, partner_id, &page_ref, 1, false));
	grant_unmap(&map);
}

/* An entry of ours that has one frame and then another, as a process's would. */
static char *target;
static u64 frames[2];
static struct mmu_update updates[UPDATES];

static void update(u64 count)
{
	for (u64 i = 0; i < count; i++) {
		updates[i].val = frames[0];
		frames[0] = frames[1];
		frames[1] = updates[i].val;
	}
	check(!hypercall(HC_MMU_UPDATE, (unsigned long)updates, count, 0, DOMID_SELF));
}

static void update_one(void)
{
	update(1);
}

static void update_many(void)
{
	update(UPDATES);
}

static void update_va(void)
{
	u64 entry = frames[0];

	frames[0] = frames[1];
	frames[1] = entry;
	check(!hc_update_va_mapping((unsigned long)target, entry, UVMF_INVLPG));
}

/* The entry that maps an address: what its table has of our frame, whose address Xen told us. */
static u64 entry_address(const void *va)
{
	const u64 *table = (const u64 *)start_info->pt_base;

	for (int level = PT_LEVELS; level > 1; level--) {
		u64 entry = table[(unsigned long)va >> (3 + 9 * level) & 511];

		table = page_va(page_of_frame((mfn_t)(entry >> PAGE_SHIFT & 0xffffffffffull)));
	}
	return machine_address(&table[(unsigned long)va >> PAGE_SHIFT & 511]);
}

static void measure_updates(void)
{
	char *other = pages_alloc(1);

	target = pages_alloc(1);
	if (!other || !target)
		panic("no memory");
	for (u32 i = 0; i < UPDATES; i++)
		updates[i].ptr = entry_address(target) | MMU_NORMAL;
	frames[0] = machine_address(other) | PTE_KERNEL;
	frames[1] = machine_address(target) | PTE_KERNEL;
	measure("mmu_update", update_one, ROUNDS);
	measure("mmu_update of 64", update_many, ROUNDS / 10);
	measure("update_va_mapping", update_va, ROUNDS);
}

static struct block *disk;
static bool answered;

static void done(struct block_request *request, bool ok)
{
	(void)request;
	check(ok);
	answered = true;
}

static void read_block(void)
{
	struct block_request request = {
	    .op = BLOCK_READ, .count = PAGE_SIZE / SECTOR, .data = page, .done = done};

	answered = false;
	block_submit(disk, &request);
	while (!answered)
		loop(UINT64_MAX);
}

static u32 partner_address;

static void ping(void)
{
	u32 before = ip.echo_replies;

	ip_ping(&ip, partner_address, 1);
	while (ip.echo_replies == before)
		loop(UINT64_MAX);
}

void network_start(struct ip *net)
{
	char text[32] = "";
	u32 address, mask;
	struct nic *nic = netfront_open("0");

	if (!nic || !option("address", text, sizeof(text)) || !ip_parse(text, &address, &mask))
		panic("no network, or no address=A.B.C.D/BITS");
	ip_start(net, nic, address, mask, 0);
}

/* Until the partner's MAC is known, and its answers come. */
static void find_partner(void)
{
	char text[32] = "";
	u32 unused;

	if (!option("partner", text, sizeof(text)) || !ip_parse(text, &partner_address, &unused))
		panic("partner=A.B.C.D is missing");
	while (!ip.echo_replies) {
		u64 until = now() + 20 * MILLISECOND;

		ip_ping(&ip, partner_address, 1);
		while (now() < until && !ip.echo_replies)
			loop(until);
	}
}

static unsigned long told(const char *name)
{
	char path[48];
	unsigned long value;

	snprintf(path, sizeof(path), "/local/domain/%u/data/%s", partner_id, name);
	while (xs_read_number(XS_NO_TX, path, &value))
		sleep_until(now() + 10 * MILLISECOND);
	return value;
}

static void meet(void)
{
	static struct grant_map map;
	int bound;

	page_ref = (gref_t)told("page");
	bound = event_interdomain(partner_id, (port_t)told("port"));
	if (bound < 0 || !grant_map(&map, partner_id, &page_ref, 1, false))
		panic("the partner cannot be reached");
	meeting = map.va;
	port = (port_t)bound;
	event_handle(port, pong, NULL);
}

enum shutdown_reason main(void)
{
	unsigned long self;
	char role[16] = "";

	xs_start_ring();
	if (xs_read_number(XS_NO_TX, "domid", &self))
		panic("xenstore does not say who we are");
	if (option("role", role, sizeof(role)) && !strcmp(role, "partner"))
		partner((domid_t)(self + 1));
	partner_id = (domid_t)(self - 1);
	network_start(&ip);
	disk = blkfront_open("51712");
	page = pages_alloc(1);
	if (!disk || !page)
		panic("no disk, or no memory");
	meet();
	find_partner();

	measure("null hypercall", null_hypercall, ROUNDS);
	measure_upcall();
	measure("event ping-pong", ping_pong, ROUNDS);
	measure_switches();
	measure("grant copy 4 KiB", grant_copy, ROUNDS);
	measure("grant map and unmap", grant_mapping, ROUNDS);
	measure_updates();
	measure("block round trip", read_block, ROUNDS);
	measure("network round trip", ping, ROUNDS);
	printf("bench: end\n");
	return SHUTDOWN_POWEROFF;
}
