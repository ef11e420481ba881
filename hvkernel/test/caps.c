/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dom0's part: what a cap leaves a domain of one or more vcpus, while CPUs idle and while another
 * domain wants all of them, which must get the rest. All is in the time that hvkernel charges; on
 * one CPU, what the domains have computed must agree with it.
 */
#include "builder.h"
#include "lib.h"

#define PAGES  1024
#define VCPUS  8
#define SETTLE 100000000ull /* ns that a new domain has to start its vcpus */
#define PERIOD 30000000ull  /* ns; of the scheduler */
#define WEIGHT 4096         /* never keeps a capped domain from what its cap allows */
#define EXACT  20           /* a cap may be missed by a 20th part of it */
#define TURN   1024         /* rounds */
#define IDLE   50           /* and a 50th part of the CPUs' time may be nobody's */

/* Where the domains that burn time count; dom0 maps it. */
static struct {
	volatile ulong rounds;
	u8 rest[PAGE_SIZE - sizeof(ulong)];
} burnt __attribute__((aligned(PAGE_SIZE)));

struct burner {
	struct domu d;
	volatile ulong *rounds;
};

struct usage {
	u64 time, at; /* ns */
	ulong rounds;
};

static struct burner capped, other;
static unsigned int cpu_count;

/* QEMU's -icount has its CPUs take turns, and `pause` ends a turn: without it one would go on until
 * the next timer of any of them, while time passes for all. */
static _Noreturn void burn(void)
{
	for (u32 i = 0;; i++) {
		__atomic_fetch_add(&burnt.rounds, 1, __ATOMIC_RELAXED);
		if (!(i % TURN))
			__asm__ volatile("pause");
	}
}

static long start_vcpu(unsigned int id)
{
	static struct vcpu_guest_context context;
	static ulong stacks[VCPUS][64];

	kernel_context(&context, frame_of((void *)start->pt_base));
	context.regs.sp = (ulong)&stacks[id][63]; /* as a call leaves it */
	context.regs.ip = (ulong)burn;
	return CALL3(vcpu_op, VCPUOP_initialise, id, &context) || CALL3(vcpu_op, VCPUOP_up, id, 0);
}

/* A domU of it: so many of its vcpus compute for ever. */
_Noreturn void burn_on(unsigned int vcpus)
{
	for (unsigned int i = 1; i < vcpus; i++)
		if (start_vcpu(i))
			leave(SHUTDOWN_crash);
	burn();
}

static bool kindle(struct burner *b, unsigned int vcpus)
{
	ulong pfn = ((ulong)&burnt - VIRT_BASE) >> PAGE_SHIFT;
	char words[16];

	print_to(words, sizeof(words), "burn %u", vcpus);
	if (!b->rounds)
		b->rounds = page_alloc();
	return build(&b->d, PAGES, VCPUS, words) &&
	       !map_foreign((void *)b->rounds, b->d.id, b->d.mfns[pfn]);
}

static void quench(struct burner *b)
{
	map((ulong)b->rounds, 0);
	check(!control(DOMCTL_destroydomain, b->d.id), "a domain is destroyed as it runs");
	b->d.id = 0;
}

static bool set_cap(domid_t id, unsigned int cap)
{
	op.u.scheduler.sched_id = SCHEDULER_CREDIT;
	op.u.scheduler.cmd = 0;
	op.u.scheduler.weight = WEIGHT;
	op.u.scheduler.cap = (u16)cap;
	return !control(DOMCTL_scheduler_op, id);
}

static struct usage look(domid_t id, const volatile ulong *rounds)
{
	struct usage u = {0, system_time(), rounds ? *rounds : 0};

	if (!control(DOMCTL_getdomaininfo, id) && op.domain == id)
		u.time = op.u.info.cpu_time;
	return u;
}

static struct usage since(struct usage before, domid_t id, const volatile ulong *rounds)
{
	struct usage u = look(id, rounds);

	u.time -= before.time;
	u.at -= before.at;
	u.rounds -= before.rounds;
	return u;
}

static void wait_until(u64 deadline)
{
	while (system_time() < deadline)
		nap(deadline - system_time());
}

/* Of one CPU's time, in hundredths of a percent. */
static u32 share(struct usage u)
{
	return (u32)(u.time * 100 / (u.at / 100));
}

static void check_cap(const char *when, unsigned int cap, struct usage u)
{
	char what[96];
	u32 got = share(u), exact = cap * 100;

	print_to(what, sizeof(what), "%s: %u.%02u %% of a CPU for a cap of %u", when, got / 100,
		 got % 100, cap);
	check((got > exact ? got - exact : exact - got) <= exact / EXACT, what);
}

/* What nobody had of the CPUs, and what each domain has computed in its time. */
static void check_rest(struct usage c, struct usage o, struct usage zero)
{
	u64 all = c.at * cpu_count, used = c.time + o.time + zero.time;
	u64 pace = o.rounds * 1000ull / (o.time / 1000 + 1), done = c.time / 1000 * pace / 1000;

	check(used >= all - all / IDLE, "the other domain gets the rest");
	if (used < all - all / IDLE)
		say("of %u us: %u capped, %u the other, %u dom0\n", (u32)(all / 1000),
		    (u32)(c.time / 1000), (u32)(o.time / 1000), (u32)(zero.time / 1000));
	if (cpu_count > 1)
		return;
	check(c.rounds <= done + done / EXACT && c.rounds >= done - done / EXACT,
	      "and each computes in its time as much as the other");
}

static void test_one(unsigned int vcpus, unsigned int cap, bool busy, u64 ns)
{
	struct usage c, o = {0, 0, 0}, zero;
	char when[64];

	check(kindle(&capped, vcpus), "a domain is built");
	if (busy)
		check(kindle(&other, cpu_count), "and one that wants all CPUs");
	wait_until(system_time() + SETTLE);
	check(set_cap(capped.d.id, cap), "the first gets a cap");
	c = look(capped.d.id, capped.rounds);
	if (busy)
		o = look(other.d.id, other.rounds);
	zero = look(0, NULL);
	wait_until(c.at + ns);
	c = since(c, capped.d.id, capped.rounds);
	if (busy)
		o = since(o, other.d.id, other.rounds);
	zero = since(zero, 0, NULL);
	print_to(when, sizeof(when), "%u vcpus on %u %s CPUs", vcpus, cpu_count,
		 busy ? "busy" : "idle");
	check_cap(when, cap, c);
	if (busy) {
		check_rest(c, o, zero);
		quench(&other);
	}
	quench(&capped);
}

/* A domain whose cap changes as it runs: each holds from then on. */
static void test_changes(u64 ns)
{
	static const u16 caps[] = {40, 10, 90, 20};
	struct usage u;

	check(kindle(&capped, 1), "a domain without a cap is built");
	wait_until(system_time() + SETTLE);
	for (unsigned int i = 0; i < ARRAY_SIZE(caps); i++) {
		check(set_cap(capped.d.id, caps[i]), "a cap is set while it runs");
		u = look(capped.d.id, NULL);
		wait_until(u.at + ns);
		check_cap("from then on", caps[i], since(u, capped.d.id, NULL));
	}
	check(set_cap(capped.d.id, 0), "its cap is taken away");
	u = look(capped.d.id, NULL);
	wait_until(u.at + SETTLE + PERIOD / 9); /* it is in the middle of a turn */
	u = since(u, capped.d.id, NULL);
	check(u.time >= u.at - u.at / EXACT, "and it runs at once");
	check(set_cap(capped.d.id, 1), "then it gets next to nothing");
	u = look(capped.d.id, NULL);
	wait_until(u.at + PERIOD);
	u = since(u, capped.d.id, NULL);
	check(u.time <= u.at / 50, "in the period that has begun, too");
	quench(&capped);
}

static bool pin(domid_t id, unsigned int cpu)
{
	u64 mask = 1ull << cpu;

	memset(&op, 0, sizeof(op));
	op.u.affinity.flags = 1;
	op.u.affinity.hard.bitmap = (ulong)&mask;
	op.u.affinity.hard.nr_bits = 64;
	return !control(DOMCTL_setvcpuaffinity, id);
}

/* One that is taken off its CPU goes on where it may, though nobody calls that CPU for it. */
static void test_moves(void)
{
	struct usage u;

	check(kindle(&capped, 1), "a domain without a cap is built");
	wait_until(system_time() + SETTLE);
	for (unsigned int cpu = 0; cpu < cpu_count; cpu++) {
		check(pin(capped.d.id, cpu), "it is sent to another CPU while it runs");
		u = look(capped.d.id, NULL);
		wait_until(u.at + SETTLE);
		u = since(u, capped.d.id, NULL);
		check(u.time >= u.at - u.at / EXACT, "and runs there at once");
	}
	quench(&capped);
}

void test_caps(u64 ns, bool all)
{
	static const struct {
		u16 vcpus, cap;
	} rows[] = {{1, 20}, {4, 20}, {2, 150}, {1, 5}, {2, 20}, {8, 20}, {4, 150}, {8, 350}};
	static struct sysctl s;

	s.cmd = SYSCTL_physinfo;
	s.interface_version = SYSCTL_VERSION;
	CALL1(sysctl, &s);
	cpu_count = s.u.physinfo.nr_cpus;
	for (unsigned int i = 0; i < (all ? ARRAY_SIZE(rows) : 3); i++)
		for (unsigned int busy = 0; busy < 2 && rows[i].cap < cpu_count * 100; busy++)
			test_one(rows[i].vcpus, rows[i].cap, busy, ns);
	test_changes(ns);
	test_moves();
}
