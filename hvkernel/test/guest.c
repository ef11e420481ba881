/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suite.h"
#include "asm/pte.h"
#include "lib.h"

extern u8 hypercall_page[];
extern char trap_de[], trap_bp[], trap_ud[], trap_nm[], trap_np[], trap_ss[], trap_gp[], trap_pf[],
    trap_sys[], event_callback[], failsafe_callback[], syscall_callback[], probe_failed[],
    back_from_user[], second_again[];

struct start_info *start;
struct shared_info *shared;
volatile unsigned int traps_seen[258];
bool failsafe_wanted;
volatile ulong last_error, last_address;
volatile u32 last_port;
unsigned int failures;
static ulong next_page;

long hypercall5(ulong nr, ulong a, ulong b, ulong c, ulong d, ulong e)
{
	long result;
	void *entry = hypercall_page + 32 * nr;

#ifdef __i386__
	__asm__ volatile("call *%%eax"
			 : "=a"(result), "+b"(a), "+c"(b), "+d"(c), "+S"(d), "+D"(e)
			 : "a"(entry)
			 : "memory", "cc");
#else
	register ulong r10 __asm__("r10") = d;
	register ulong r8 __asm__("r8") = e;

	__asm__ volatile("call *%%rax"
			 : "=a"(result), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8)
			 : "a"(entry)
			 : "memory", "cc", "rcx", "r11");
#endif
	return result;
}

void console_write(const char *text, size_t size)
{
	CALL3(console_io, CONSOLEIO_write, size, text);
}

void say(const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	vprint_to(line, sizeof(line), format, args);
	va_end(args);
	console_write(line, strlen(line));
}

_Noreturn void machine_stop(bool reboot, int code)
{
	(void)reboot;
	leave((u32)code);
}

void dump_stack(void)
{
}

_Noreturn void leave(u32 reason)
{
	for (;;)
		CALL2(sched_op, SCHEDOP_shutdown, &reason);
}

void check(bool good, const char *what)
{
	say("%s %s\n", good ? "pass" : "FAIL", what);
	failures += !good;
}

ulong frame_of(const void *va)
{
	return ((ulong *)start->mfn_list)[((ulong)va - VIRT_BASE) >> PAGE_SHIFT];
}

/* Our own memory, of which the M2P tells the place. */
static void *address_of(mfn_t mfn)
{
	return (void *)(VIRT_BASE + (((ulong *)MACHPHYS)[mfn] << PAGE_SHIFT));
}

u64 *table_of(ulong va, unsigned int level)
{
	u64 *table = (u64 *)start->pt_base;

	for (unsigned int at = LEVELS; at > level; at--) {
		u64 e = table[(va >> (3 + 9 * at)) & (at == 3 && LEVELS == 3 ? 3 : 511)];

		if (!(e & PTE_P))
			return NULL;
		table = address_of(pte_mfn(e));
	}
	return table;
}

u64 entry_of(ulong va)
{
	u64 *table = table_of(va, 1);

	return table ? table[(va >> 12) & 511] : 0;
}

long map(ulong va, u64 e)
{
#ifdef __i386__
	return CALL4(update_va_mapping, va, e, e >> 32, UVMF_INVLPG);
#else
	return CALL3(update_va_mapping, va, e, UVMF_INVLPG);
#endif
}

void kernel_context(struct vcpu_guest_context *context, ulong root)
{
	memset(context, 0, sizeof(*context));
	context->ctrlreg[3] = LEVELS == 3 ? root << 12 | root >> 20 : root << 12;
	context->regs.cs = KERNEL_CS;
	context->regs.ss = KERNEL_SS;
	if (LEVELS == 3)
		context->regs.ds = context->regs.es = KERNEL_SS;
	context->flags = VGCF_in_kernel;
}

void page_release(void *first)
{
	for (ulong page = (ulong)first; page < next_page; page += PAGE_SIZE)
		map(page, pte_of(frame_of((void *)page), rw));
	next_page = (ulong)first;
}

void *page_next(void)
{
	return (void *)next_page;
}

void *page_alloc(void)
{
	void *page = (void *)next_page;

	next_page += PAGE_SIZE;
	memset(page, 0, PAGE_SIZE);
	return page;
}

/* In the frame of TRAP (start.S), above the registers: number, error, ip, cs, flags. */
struct trap_frame {
#ifdef __i386__
	ulong di, si, bp, sp, bx, dx, cx, ax;
#else
	ulong r15, r14, r13, r12, r11, r10, r9, r8, di, si, bp, bx, dx, cx, ax;
#endif
	ulong number, error, ip, cs, flags;
};

static void take_events(void)
{
	struct vcpu_info *info = &shared->vcpu_info[0];

	info->upcall_pending = 0;
	info->pending_sel = 0;
	for (u32 port = 1; port < 1024; port++)
		if (test_bit(shared->evtchn_pending, port) &&
		    !test_bit(shared->evtchn_mask, port)) {
			clear_bit(shared->evtchn_pending, port);
			last_port = port;
		}
}

void guest_trap(struct trap_frame *f);

void guest_trap(struct trap_frame *f)
{
	traps_seen[f->number]++;
	last_error = f->error;
	last_address = shared->vcpu_info[0].arch.cr2;
	if (f->number == 256) {
		take_events();
		return;
	}
	if (f->number == 3)
		return;
	if (f->number == 257 && !failsafe_wanted)
		leave(SHUTDOWN_crash);
	if ((f->cs & 3) == 3 || f->number == 0x80) {
		last_error = f->ax;
		f->ip = (ulong)back_from_user;
		f->cs = KERNEL_CS & ~(LEVELS == 4 ? 3ul : 0);
		return;
	}
	f->ip = (ulong)(((u8 *)f >= second_stack && (u8 *)f < second_stack + sizeof(second_stack))
			    ? second_again
			    : probe_failed);
}

static void set_traps(void)
{
	static const struct trap_info table[] = {
	    {0, 0, KERNEL_CS, (ulong)trap_de},     {3, 3, KERNEL_CS, (ulong)trap_bp},
	    {6, 0, KERNEL_CS, (ulong)trap_ud},     {7, 0, KERNEL_CS, (ulong)trap_nm},
	    {11, 0, KERNEL_CS, (ulong)trap_np},    {12, 0, KERNEL_CS, (ulong)trap_ss},
	    {13, 0, KERNEL_CS, (ulong)trap_gp},    {14, 0, KERNEL_CS, (ulong)trap_pf},
	    {0x80, 3, KERNEL_CS, (ulong)trap_sys}, {0, 0, 0, 0},
	};

	check(!CALL1(set_trap_table, table), "set_trap_table");
#ifdef __i386__
	check(!CALL4(set_callbacks, KERNEL_CS, event_callback, KERNEL_CS, failsafe_callback),
	      "set_callbacks");
#else
	check(!CALL3(set_callbacks, event_callback, failsafe_callback, syscall_callback),
	      "set_callbacks");
#endif
}

static void map_shared(void)
{
	shared = page_alloc();
	check(!map((ulong)shared, start->shared_info | PTE_P | PTE_RW | PTE_US),
	      "shared_info maps");
}

static _Noreturn void finish(void)
{
	say("%s: %u failures\n", failures ? "HVKERNEL-TEST-FAILED" : "HVKERNEL-TEST-OK", failures);
	leave(failures ? SHUTDOWN_crash : SHUTDOWN_poweroff);
}

/* "caps MS": all rows; "caps-short MS": some. */
static void run_caps(const char *words)
{
	bool all = words[4] == ' ';

	test_caps(parse_number(words + (all ? 5 : 11), NULL) * 1000000, all);
}

_Noreturn void guest_main(struct start_info *info);

_Noreturn void guest_main(struct start_info *info)
{
	start = info;
	/* Behind the boot stack, where the ABI promises 512 KiB. */
	next_page = start->pt_base + ((start->nr_pt_frames + 1) << PAGE_SHIFT);
	say("test guest: %s, %lu pages, flags %x, \"%s\"\n", start->magic, start->nr_pages,
	    start->flags, start->cmd_line);
	map_shared();
	set_traps();
	if (!(start->flags & SIF_INITDOMAIN))
		guest_role(start->cmd_line);
	if (!strncmp(start->cmd_line, "attacks", 7)) {
		test_suite(start->cmd_line[7] ? start->cmd_line + 8 : "");
		finish();
	}
	if (!strcmp(start->cmd_line, "nothing")) /* it has come up: that is what is tested */
		finish();
	if (!strcmp(start->cmd_line, "faults")) {
		test_faults();
		finish();
	}
	if (!strncmp(start->cmd_line, "cycles", 6)) {
		test_cycles((u32)parse_number(start->cmd_line + 7, NULL));
		finish();
	}
	if (!strncmp(start->cmd_line, "caps", 4)) {
		run_caps(start->cmd_line);
		finish();
	}
	check(CALL2(xen_version, XENVER_version, 0) == (4 << 16 | 17), "version is 4.17");
	test_memory();
	test_events();
	test_grants();
	test_user();
	test_devices();
	test_domains();
	finish();
}
