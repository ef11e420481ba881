/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Orders attacks and judges them; see suite.h. */
#include "suite.h"
#include "builder.h"
#include "asm/pte.h"
#include "lib.h"

#define DOMU_PAGES     1024
#define PATTERN_PAGES  8
#define PATIENCE       60000000000ull /* ns; for a machine that is busy with other things */
#define LAST_WORDS     2000000000ull  /* for one that may have hung itself */
#define PATTERN(index) (0x5eed0000u + (u32)(index) * 7)

struct bench bench __attribute__((aligned(PAGE_SIZE)));
static u8 rest_of_bench[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE), used));
static u32 pattern[PATTERN_PAGES * PAGE_SIZE / sizeof(u32)];
ulong attack_detail;

struct party {
	struct domu d;
	struct bench *bench; /* mapped here */
};

static struct party attacker, neighbour;
static ulong neighbour_frame, neighbour_root;

static void fill_pattern(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(pattern); i++)
		pattern[i] = PATTERN(i);
}

static bool pattern_is_whole(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(pattern); i++)
		if (pattern[i] != PATTERN(i))
			return false;
	return true;
}

static bool run_attack(const struct attack *a, long *result)
{
	void *first = page_next();
	bool good;

	attack_detail = 0;
	*result = 0;
	if (a->verdict == REFUSED || a->verdict == HOLDS)
		good = (*result = a->run()) == a->error || *result == NOT_JUDGED;
	else
		good = !probe((void (*)(ulong))(void *)a->run, 0) && a->verdict != KILLS;
	page_release(first);
	return good;
}

/* The attacker's side: does as it is told. */
static _Noreturn void attack_on_order(void)
{
	for (;;) {
		long result;

		while (bench.wanted == bench.done)
			nap(500000);
		bench.wrong = !run_attack(&attacks_begin[bench.wanted - 1], &result);
		bench.result = result;
		if (bench.wrong)
			say("result %ld, detail %lx\n", result, attack_detail);
		bench.done = bench.wanted;
	}
}

static _Noreturn void be_a_neighbour(void)
{
	struct evtchn_alloc_unbound unbound = {DOMID_SELF, 0, 0};

	fill_pattern();
	hold_secret();
	CALL2(event_channel_op, EVTCHNOP_alloc_unbound, &unbound); /* for dom0 */
	bench.neighbour_port = unbound.port;
	bench.neighbour_ref = grant_page(rest_of_bench, 0);
	for (;;) {
		if (!pattern_is_whole())
			bench.harmed = 1;
		if (!secret_is_held())
			bench.harmed = 2;
		bench.beats++;
		nap(200000);
	}
}

void suite_role(const char *words)
{
	if (!strcmp(words, "attacker"))
		attack_on_order();
	if (!strcmp(words, "neighbour"))
		be_a_neighbour();
}

static bool settle(struct party *p, const char *words)
{
	ulong pfn = ((ulong)&bench - VIRT_BASE) >> PAGE_SHIFT;

	if (!build(&p->d, DOMU_PAGES, 2, words))
		return false;
	return !map_foreign(p->bench, p->d.id, p->d.mfns[pfn]);
}

static void remove(struct party *p)
{
	map((ulong)p->bench, 0);
	check(!control(DOMCTL_destroydomain, p->d.id), "a domain is destroyed");
	p->d.id = 0;
}

static bool neighbour_lives(void)
{
	u32 before = neighbour.bench->beats;
	u64 until = system_time() + PATIENCE;

	while (neighbour.bench->beats - before < 2 && system_time() < until)
		nap(200000);
	return neighbour.bench->beats - before >= 2 && !neighbour.bench->harmed;
}

static bool settle_neighbour(void)
{
	fill_pattern();
	neighbour.bench = page_alloc();
	if (!settle(&neighbour, "neighbour"))
		return false;
	neighbour_frame = neighbour.d.mfns[((ulong)&bench - VIRT_BASE) >> PAGE_SHIFT];
	neighbour_root = neighbour.d.mfns[neighbour.d.tables];
	return neighbour_lives();
}

static void tell_of_neighbour(struct bench *b)
{
	b->neighbour = neighbour.d.id;
	b->neighbour_frame = neighbour_frame;
	b->neighbour_root = neighbour_root;
	b->neighbour_port = neighbour.bench->neighbour_port;
	b->neighbour_ref = neighbour.bench->neighbour_ref;
}

static bool settle_attacker(void)
{
	if (attacker.d.id)
		return true;
	if (!settle(&attacker, "attacker"))
		return false;
	tell_of_neighbour(attacker.bench);
	return true;
}

/* Its flags when it has ended, 0 when it has done what it was told. */
static u32 attack_in_domu(u32 number, u64 patience)
{
	u64 until = system_time() + patience;

	attacker.bench->wanted = number;
	while (attacker.bench->done != number && system_time() < until) {
		if (control(DOMCTL_getdomaininfo, attacker.d.id) || op.domain != attacker.d.id)
			return DOMINF_dying;
		if (op.u.info.flags & DOMINF_shutdown)
			return op.u.info.flags;
		nap(200000);
	}
	if (attacker.bench->done == number)
		return 0;
	if (patience == PATIENCE)
		press('q', 1); /* what does it do? */
	return DOMINF_running;
}

static const char *not_judged(long result)
{
	return result == NOT_JUDGED ? "not judged on this machine" : "refused";
}

static const char *judge(const struct attack *a, u32 flags)
{
	bool crashed =
	    flags & DOMINF_shutdown && (flags >> DOMINF_shutdownshift & 255) == SHUTDOWN_crash;

	if (!flags && !attacker.bench->wrong)
		return not_judged(attacker.bench->result);
	if (crashed && (a->verdict == KILLS || a->verdict == ENDS))
		return "killed its author";
	if (flags == DOMINF_running && a->verdict == ENDS)
		return "killed its author"; /* it hangs: dom0 takes it away */
	return NULL;
}

static void report(const struct attack *a, const char *by, const char *verdict, long result)
{
	if (!pattern_is_whole())
		verdict = "FAILED: dom0's memory has changed";
	else if (!neighbour_lives())
		verdict = "FAILED: its neighbour is harmed";
	if (verdict && strncmp(verdict, "FAILED", 6)) {
		say("attack %s%s: %s\n", a->name, by, verdict);
		return;
	}
	failures++;
	say("attack %s%s: %s (%ld, not %ld)\n", a->name, by, verdict ? verdict : "FAILED", result,
	    a->error);
}

static bool another_gets_memory(void)
{
	static ulong list[32];
	struct grant_setup_table setup = {0, ARRAY_SIZE(list), 0, (ulong)list};

	memset(&op, 0, sizeof(op));
	op.u.createdomain.max_vcpus = 1;
	op.u.createdomain.max_grant_frames = op.u.createdomain.max_maptrack_frames = -1;
	if (control(DOMCTL_createdomain, 0))
		return false;
	setup.dom = op.domain;
	CALL3(grant_table_op, GNTTABOP_setup_table, &setup, 1);
	press('q', 1); /* who has how much */
	return !control(DOMCTL_destroydomain, setup.dom) && !setup.status;
}

static void suffer(const struct attack *a)
{
	const char *verdict;
	u32 flags;

	if (a->by & FRESH && attacker.d.id)
		remove(&attacker);
	if (!settle_attacker()) {
		check(false, "an attacker is built");
		return;
	}
	flags = attack_in_domu((u32)(a - attacks_begin) + 1,
			       a->verdict == ENDS ? LAST_WORDS : PATIENCE);
	verdict = judge(a, flags);
	if (a->by & GREEDY && !another_gets_memory())
		verdict = "FAILED: another domain gets no memory";
	report(a, "", verdict, attacker.bench->result);
	if (flags || a->by & GREEDY)
		remove(&attacker);
}

static bool is_wanted(const struct attack *a, const char *prefix, u32 by)
{
	return a->by & by && !strncmp(a->name, prefix, strlen(prefix));
}

void test_suite(const char *prefix)
{
	const struct attack *a;
	u64 before;
	long result;

	check(settle_neighbour(), "a neighbour lives");
	tell_of_neighbour(&bench);
	for (a = attacks_begin; a < attacks_end; a++)
		if (is_wanted(a, prefix, BY_DOM0)) {
			bool good = run_attack(a, &result);

			report(a, " by dom0", good ? not_judged(result) : NULL, result);
		}
	attacker.bench = page_alloc();
	before = free_pages();
	for (a = attacks_begin; a < attacks_end; a++)
		if (is_wanted(a, prefix, BY_DOMU))
			suffer(a);
	if (attacker.d.id)
		remove(&attacker);
	nap(1000000);
	check(free_pages() == before, "nothing is lost");
	remove(&neighbour);
}
