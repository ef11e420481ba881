/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dom0's part: domains that come and go, and how they share a CPU. */
#include "builder.h"
#include "lib.h"

u32 wait_for(domid_t id, unsigned int rounds)
{
	for (unsigned int i = 0; i < rounds; i++) {
		struct sched_poll poll = {0, 0, 0};

		if (control(DOMCTL_getdomaininfo, id) || op.domain != id)
			return 0;
		if (op.u.info.flags & DOMINF_shutdown)
			return op.u.info.flags;
		poll.timeout = system_time() + 2000000;
		CALL2(sched_op, SCHEDOP_poll, &poll);
	}
	return 0;
}

u64 free_pages(void)
{
	static struct sysctl s;

	memset(&s, 0, sizeof(s));
	s.cmd = SYSCTL_physinfo;
	s.interface_version = SYSCTL_VERSION;
	CALL1(sysctl, &s);
	return s.u.physinfo.free_pages;
}

static void run_role(const char *words, u32 reason)
{
	static struct domu d;
	u64 before = free_pages();
	u32 flags;
	char what[96];

	print_to(what, sizeof(what), "a domain \"%s\" is built", words);
	check(build(&d, 2048, 2, words), what);
	flags = wait_for(d.id, 2000);
	print_to(what, sizeof(what), "it ends as expected (%x)", flags);
	check(flags & DOMINF_shutdown && (flags >> 16 & 255) == reason, what);
	check(!control(DOMCTL_destroydomain, d.id), "it is destroyed");
	CALL2(sched_op, SCHEDOP_yield, 0);
	print_to(what, sizeof(what), "nothing is lost (%llu of %llu free)",
		 (unsigned long long)free_pages(), (unsigned long long)before);
	check(free_pages() == before, what);
}

static void set_share(domid_t id, u16 weight)
{
	u64 first_cpu = 1;

	op.u.scheduler.sched_id = SCHEDULER_CREDIT;
	op.u.scheduler.cmd = 0;
	op.u.scheduler.weight = weight;
	op.u.scheduler.cap = 0;
	check(!control(DOMCTL_scheduler_op, id), "a weight is set");
	memset(&op, 0, sizeof(op));
	op.u.affinity.flags = 1;
	op.u.affinity.hard.bitmap = (ulong)&first_cpu;
	op.u.affinity.hard.nr_bits = 64;
	check(!control(DOMCTL_setvcpuaffinity, id), "its vcpu stays on the first CPU");
}

static u64 cpu_time(domid_t id)
{
	control(DOMCTL_getdomaininfo, id);
	return op.u.info.cpu_time;
}

/* Of the time that two had since `before`, in thousandths, what the first had. */
static u32 share_of_first(const struct domu *a, const struct domu *b, const u64 before[2])
{
	u64 first = cpu_time(a->id) - before[0], second = cpu_time(b->id) - before[1];

	return (u32)(first / ((first + second) / 1000));
}

/*
 * Two that never stop, on one CPU: their shares follow their weights, and dom0 still gets its turn.
 * A busy host takes pieces of the time that count as the one's that had the CPU: longer looks even
 * that out.
 */
static void run_shares(void)
{
	static struct domu a, b;
	u64 before[2], start_time, look = 1500000000;
	char what[96];
	u32 share;

	check(build(&a, 2048, 1, "spin") && build(&b, 2048, 1, "spin"),
	      "two that never stop are built");
	set_share(a.id, 256);
	set_share(b.id, 512);
	start_time = system_time();
	before[0] = cpu_time(a.id);
	before[1] = cpu_time(b.id);
	do {
		while (system_time() - start_time < look) {
			struct sched_poll poll = {0, 0, system_time() + 10000000};

			CALL2(sched_op, SCHEDOP_poll, &poll);
		}
		share = share_of_first(&a, &b, before);
		look *= 2;
	} while ((share < 283 || share > 383) && look < 30000000000);
	print_to(what, sizeof(what), "weights of 1 to 2 are shares of %u and %u per mille", share,
		 1000 - share);
	check(share >= 283 && share <= 383, what);
	check(!control(DOMCTL_destroydomain, a.id) && !control(DOMCTL_destroydomain, b.id),
	      "they are destroyed as they run");
}

/* Somebody else's kernel: runs until it ends. */
static void run_foreign(const char *words)
{
	static struct domu d;

	check(build(&d, PAGES_MAX, 1, words), "the foreign kernel is built");
	say("its end: %x\n", wait_for(d.id, 30000));
}

void test_domains(void)
{
	if (!start->mod_len)
		return;
	if (!strncmp(start->cmd_line, "foreign", 7)) {
		run_foreign(start->cmd_line + 8);
		return;
	}
	run_role("hello", SHUTDOWN_poweroff);
	run_role("crash", SHUTDOWN_crash);
	run_role("badstack", SHUTDOWN_crash);
	run_role("memory", SHUTDOWN_poweroff);
	run_role("hotplug", SHUTDOWN_poweroff);
	run_shares();
}

_Noreturn void guest_role(const char *words)
{
	say("domU: %s\n", words);
	if (!strcmp(words, "crash"))
		for (;;)
			*(volatile ulong *)8 = *(volatile ulong *)16 / (ulong)traps_seen[255];
	if (!strcmp(words, "spin"))
		for (;;)
			__asm__ volatile("");
	if (!strncmp(words, "burn ", 5))
		burn_on((unsigned int)parse_number(words + 5, NULL));
	if (!strcmp(words, "badstack"))
		ruin_stack();
	if (!strcmp(words, "hotplug"))
		test_hotplug();
	if (!strcmp(words, "memory"))
		test_memory();
	if (failures)
		leave(SHUTDOWN_crash);
	if (!strcmp(words, "churn"))
		churn();
	suite_role(words);
	leave(SHUTDOWN_poweroff);
}
