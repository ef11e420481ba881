/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dom0's part: builds a domain from the module, as a domain builder does through domctl. */
#include "guest.h"
#include "asm/pte.h"
#include "elf.h"
#include "lib.h"

#define PAGES_MAX 16384

struct domu {
	domid_t id;
	ulong pages;
	ulong *mfns; /* by pfn */
	struct elf_kernel kernel;
	ulong base, p2m, info, console, tables, table_count, stack, end;
};

static struct domctl op;
static ulong mfns[PAGES_MAX];
static struct vcpu_guest_context context;
static u8 *window;

long control(u32 cmd, domid_t id)
{
	op.cmd = cmd;
	op.interface_version = DOMCTL_VERSION;
	op.domain = id;
	return CALL1(domctl, &op);
}

static void *look(const struct domu *d, ulong pfn)
{
	u64 e = pte_of(d->mfns[pfn], PTE_P | PTE_RW | PTE_US);
	long error;

#ifdef __i386__
	error = hypercall5(HC_update_va_mapping_otherdomain, (ulong)window, (ulong)e,
			   (ulong)(e >> 32), UVMF_INVLPG, d->id);
#else
	error = CALL4(update_va_mapping_otherdomain, window, e, UVMF_INVLPG, d->id);
#endif
	if (error)
		say("FAIL mapping frame %lx of domain %u: %ld\n", d->mfns[pfn], d->id, error);
	return window;
}

static void put(const struct domu *d, ulong offset, const void *from, size_t size)
{
	while (size) {
		size_t at = offset & (PAGE_SIZE - 1), step = MIN(size, PAGE_SIZE - at);

		memcpy((u8 *)look(d, offset >> PAGE_SHIFT) + at, from, step);
		from = (const u8 *)from + step;
		offset += step;
		size -= step;
	}
}

static void load(void *context_, ulong va, const u8 *data, size_t file_size, size_t memory_size)
{
	struct domu *d = context_;

	(void)memory_size;
	put(d, va - d->base, data, file_size);
}

static ulong tables_for(const struct domu *d, ulong end, unsigned int level)
{
	unsigned int shift = 12 + 9 * level;

	if (level == LEVELS)
		return 1;
	if (LEVELS == 3 && level == 2)
		return 4;
	return ((end - 1) >> shift) - (d->base >> shift) + 1;
}

static bool place(struct domu *d)
{
	ulong at = ROUND_UP(d->kernel.high - d->base, PAGE_SIZE) >> PAGE_SHIFT, end;

	d->p2m = at;
	at += ROUND_UP(d->pages * sizeof(ulong), PAGE_SIZE) >> PAGE_SHIFT;
	d->info = at++;
	d->console = at++;
	d->tables = at;
	end = d->base + ((at + 64) << PAGE_SHIFT) + (512 << 10);
	end = ROUND_UP(end, 4ul << 20);
	for (unsigned int level = 1; level <= LEVELS; level++)
		d->table_count += tables_for(d, end, level);
	d->stack = d->tables + d->table_count;
	d->end = (end - d->base) >> PAGE_SHIFT;
	return d->end <= d->pages && d->table_count < 60;
}

static void fill_tables(const struct domu *d)
{
	ulong first = d->tables, end = d->base + (d->end << PAGE_SHIFT);

	for (unsigned int level = LEVELS; level; level--) {
		ulong below = first + tables_for(d, end, level);
		ulong count = level > 1 ? tables_for(d, end, level - 1) : d->end;
		ulong from = LEVELS == 3 && level == 3 ? 0 : d->base >> (3 + 9 * level);

		for (ulong i = 0; i < count; i++) {
			ulong slot = from + i, entries = LEVELS == 3 && level == 3 ? 4 : 512;
			ulong target = level > 1 ? below + i : i;
			ulong table = first + slot / entries -
				      (LEVELS == 3 && level == 2 ? 0 : from / entries);
			bool is_table = target >= d->tables && target < d->stack;
			u64 flags = PTE_P | PTE_US | PTE_A | (level > 1 || !is_table ? PTE_RW : 0);
			u64 e = pte_of(d->mfns[target], LEVELS == 3 && level == 3 ? PTE_P : flags);

			put(d, (table << PAGE_SHIFT) + slot % entries * 8, &e, 8);
		}
		first = below;
	}
}

static void fill_info(const struct domu *d, ulong shared_frame, const char *words)
{
	static struct start_info s;

	memset(&s, 0, sizeof(s));
	strcopy(s.magic, LEVELS == 3 ? "xen-3.0-x86_32p" : "xen-3.0-x86_64", sizeof(s.magic));
	s.nr_pages = d->pages;
	s.shared_info = shared_frame << PAGE_SHIFT;
	s.pt_base = d->base + (d->tables << PAGE_SHIFT);
	s.nr_pt_frames = d->table_count;
	s.mfn_list = d->base + (d->p2m << PAGE_SHIFT);
	s.console.domu.mfn = s.store_mfn = d->mfns[d->console];
	strcopy(s.cmd_line, words, sizeof(s.cmd_line));
	put(d, d->info << PAGE_SHIFT, &s, sizeof(s));
}

static long take_memory(struct domu *d)
{
	struct memory_reservation r = {(ulong)d->mfns, d->pages, 0, 0, d->id};

	op.u.max_memkb = d->pages * 4;
	if (control(DOMCTL_max_mem, d->id))
		return -1;
	for (ulong i = 0; i < d->pages; i++)
		d->mfns[i] = i;
	return CALL2(memory_op, XENMEM_populate_physmap, &r) == (long)d->pages ? 0 : -1;
}

static long start_vcpu(const struct domu *d)
{
	struct mmuext_op pin = {LEVELS == 3 ? MMUEXT_PIN_L3_TABLE : MMUEXT_PIN_L4_TABLE,
				d->mfns[d->tables], 0};
	ulong root = d->mfns[d->tables];

	map((ulong)window, 0); /* the last frame that we looked at is not a table for us */
	if (CALL4(mmuext_op, &pin, 1, 0, d->id))
		return -1;
	memset(&context, 0, sizeof(context));
	context.regs.ip = d->kernel.entry;
	context.regs.cs = KERNEL_CS;
	context.regs.ss = KERNEL_SS;
	if (LEVELS == 3)
		context.regs.ds = context.regs.es = context.regs.fs = context.regs.gs = KERNEL_SS;
	context.regs.si = d->base + (d->info << PAGE_SHIFT);
	context.regs.sp = d->base + ((d->stack + 1) << PAGE_SHIFT);
	context.regs.flags = 0x200;
	context.kernel_ss = KERNEL_SS;
	context.kernel_sp = context.regs.sp;
	context.flags = VGCF_in_kernel | VGCF_online;
	context.ctrlreg[3] = LEVELS == 3 ? root << 12 | root >> 20 : root << 12;
	op.u.vcpucontext.vcpu = 0;
	op.u.vcpucontext.ctxt = (ulong)&context;
	return control(DOMCTL_setvcpucontext, d->id);
}

static bool build(struct domu *d, ulong pages, const char *words)
{
	const char *error;

	memset(d, 0, sizeof(*d));
	d->mfns = mfns;
	d->pages = pages;
	error = elf_read(&d->kernel, (const u8 *)start->mod_start, start->mod_len);
	if (error) {
		say("FAIL module: %s\n", error);
		return false;
	}
	d->base = d->kernel.virt_base;
	if (!place(d))
		return false;
	memset(&op, 0, sizeof(op));
	op.u.createdomain.max_vcpus = 1;
	op.u.createdomain.max_grant_frames = op.u.createdomain.max_maptrack_frames = -1;
	if (control(DOMCTL_createdomain, 0))
		return false;
	d->id = op.domain;
	if (take_memory(d))
		return false;
	elf_each_load(&d->kernel, load, d);
	put(d, d->p2m << PAGE_SHIFT, mfns, d->pages * sizeof(ulong));
	control(DOMCTL_getdomaininfo, d->id);
	fill_info(d, (ulong)op.u.info.shared_info_frame, words);
	fill_tables(d);
	if (d->kernel.has_hypercall_page) {
		look(d, (d->kernel.hypercall_page - d->base) >> PAGE_SHIFT);
		op.u.hypercall_gmfn = d->mfns[(d->kernel.hypercall_page - d->base) >> PAGE_SHIFT];
		control(DOMCTL_hypercall_init, d->id);
	}
	return !start_vcpu(d) && !control(DOMCTL_unpausedomain, d->id);
}

static u32 wait_for(domid_t id, unsigned int rounds)
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

static u64 free_pages(void)
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
	check(build(&d, 2048, words), what);
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

/* Two that never stop, on one CPU: their shares follow their weights, and dom0 still gets its turn.
 */
static void run_shares(void)
{
	static struct domu a, b;
	u64 times[2], start_time, spent;
	char what[96];

	check(build(&a, 2048, "spin") && build(&b, 2048, "spin"), "two that never stop are built");
	set_share(a.id, 256);
	set_share(b.id, 512);
	start_time = system_time();
	times[0] = cpu_time(a.id);
	times[1] = cpu_time(b.id);
	while (system_time() - start_time < 1500000000) {
		struct sched_poll poll = {0, 0, system_time() + 10000000};

		CALL2(sched_op, SCHEDOP_poll, &poll);
	}
	times[0] = cpu_time(a.id) - times[0];
	times[1] = cpu_time(b.id) - times[1];
	spent = (times[0] + times[1]) / 1000;
	print_to(what, sizeof(what), "weights of 1 to 2 are shares of %u and %u per mille",
		 (u32)(times[0] / spent), (u32)(times[1] / spent));
	check(times[0] / spent >= 283 && times[0] / spent <= 383, what);
	check(!control(DOMCTL_destroydomain, a.id) && !control(DOMCTL_destroydomain, b.id),
	      "they are destroyed as they run");
}

/* Somebody else's kernel: runs until it ends. */
static void run_foreign(const char *words)
{
	static struct domu d;

	check(build(&d, PAGES_MAX, words), "the foreign kernel is built");
	say("its end: %x\n", wait_for(d.id, 30000));
}

void test_domains(void)
{
	if (!start->mod_len)
		return;
	window = page_alloc();
	if (!strncmp(start->cmd_line, "foreign", 7)) {
		run_foreign(start->cmd_line + 8);
		return;
	}
	run_role("hello", SHUTDOWN_poweroff);
	run_role("crash", SHUTDOWN_crash);
	run_role("badstack", SHUTDOWN_crash);
	run_role("hostile", SHUTDOWN_poweroff);
	run_shares();
}

_Noreturn void guest_role(const char *words)
{
	struct domctl *mine = &op;

	say("domU: %s\n", words);
	if (!strcmp(words, "crash"))
		for (;;)
			*(volatile ulong *)8 = *(volatile ulong *)16 / (ulong)traps_seen[255];
	if (!strcmp(words, "spin"))
		for (;;)
			__asm__ volatile("");
	if (!strcmp(words, "badstack"))
		ruin_stack();
	if (!strcmp(words, "hostile")) {
		memset(mine, 0, sizeof(*mine));
		check(control(DOMCTL_destroydomain, 0) == -1, "attack: domctl from a domU");
		test_memory();
		test_attacks();
		if (failures)
			leave(SHUTDOWN_crash);
	}
	leave(SHUTDOWN_poweroff);
}
