/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks: memory beyond one's own, what only dom0 may ask for, vcpus with states of their own. */
#include "suite.h"
#include "asm/pte.h"
#include "errno.h"
#include "lib.h"

#define DOMCTLS 64

static long reserve(u32 cmd, ulong *frames, ulong count, u32 order, domid_t dom)
{
	struct memory_reservation r = {(ulong)frames, count, order, 0, dom};

	return CALL2(memory_op, cmd, &r);
}

/* These count what was done: nothing. */
ATTACK(memory_beyond_limit, REFUSED, BY_DOMU, 0)
{
	ulong frame = 5000;

	return reserve(XENMEM_populate_physmap, &frame, 1, 0, DOMID_SELF);
}

ATTACK(memory_of_huge_order, REFUSED, BY_DOMU, 0)
{
	ulong frame = 5000;

	return reserve(XENMEM_populate_physmap, &frame, 1, 18, DOMID_SELF);
}

ATTACK(memory_of_endless_order, REFUSED, BY_DOMU | BY_DOM0, 0)
{
	ulong frame = 5000;

	return reserve(XENMEM_populate_physmap, &frame, 1, 0xffffffff, DOMID_SELF);
}

ATTACK(memory_of_endless_count, REFUSED, BY_DOMU | BY_DOM0, 0)
{
	ulong frame = 5000;

	return reserve(XENMEM_populate_physmap, &frame, ~0ul, 0, DOMID_SELF);
}

ATTACK(giving_back_neighbour_frame, REFUSED, BY_DOMU | BY_DOM0, 0)
{
	ulong frame = bench.neighbour_frame;

	return reserve(XENMEM_decrease_reservation, &frame, 1, 0, DOMID_SELF);
}

ATTACK(giving_back_hypervisor_frame, REFUSED, BY_DOMU | BY_DOM0, 0)
{
	ulong frame = 0x100;

	return reserve(XENMEM_decrease_reservation, &frame, 1, 0, DOMID_SELF);
}

ATTACK(giving_back_shared_info, REFUSED, BY_DOMU | BY_DOM0, 0)
{
	ulong frame = start->shared_info >> PAGE_SHIFT;

	return reserve(XENMEM_decrease_reservation, &frame, 1, 0, DOMID_SELF);
}

ATTACK(giving_back_frame_beyond_memory, REFUSED, BY_DOMU | BY_DOM0, 0)
{
	ulong frame = ~0ul >> 12;

	return reserve(XENMEM_decrease_reservation, &frame, 1, 0, DOMID_SELF);
}

REFUSED_TO_DOMU(memory_for_neighbour, ESRCH)
{
	ulong frame = 0;

	return reserve(XENMEM_increase_reservation, &frame, 1, 0, bench.neighbour);
}

REFUSED_TO_DOMU(memory_of_neighbour_seen, ESRCH)
{
	domid_t id = bench.neighbour;

	return CALL2(memory_op, XENMEM_current_reservation, &id);
}

REFUSED_TO_DOMU(machine_memory_map, EPERM)
{
	struct memory_map map = {4, (ulong)page_alloc()};

	return CALL2(memory_op, XENMEM_machine_memory_map, &map);
}

/* Gives frames back that a TLB still knows, then has the hypervisor take a page for its books of
 * event channels, and writes to what the frames were. Every second frame only: they stay single,
 * and are the first that are taken. In a hurry, since every turn of the scheduler flushes. */
static long stale_once(struct evtchn_alloc_unbound *op, ulong *pfns, unsigned int n)
{
	struct mmu_update gone[8];
	ulong frames[8], *p2m = (ulong *)start->mfn_list;
	long done;

	for (unsigned int i = 0; i < n; i++) {
		ulong va = VIRT_BASE + (pfns[i] << PAGE_SHIFT);

		frames[i] = p2m[pfns[i]];
		map(va, pte_of(frames[i], rw));
		gone[i] = (struct mmu_update){machine(&table_of(va, 1)[va >> 12 & 511]), 0};
	}
	nap(300000);
	for (unsigned int i = 0; i < n; i++)
		write_at(VIRT_BASE + (pfns[i] << PAGE_SHIFT));
	done = CALL4(mmu_update, gone, n, 0, DOMID_SELF) ? -1 : (long)n;
	done -= reserve(XENMEM_decrease_reservation, frames, n, 0, DOMID_SELF);
	if (done || CALL2(event_channel_op, EVTCHNOP_alloc_unbound, op))
		return -1;
	for (unsigned int i = 0; i < n; i++) /* the state of the third port of the page: unbound */
		attack_detail += probe(write_at, VIRT_BASE + (pfns[i] << PAGE_SHIFT) + 16);
	memcpy(frames, pfns, sizeof(frames));
	done = reserve(XENMEM_populate_physmap, frames, n, 0, DOMID_SELF);
	for (long i = 0; i < done; i++)
		p2m[pfns[i]] = frames[i];
	return done == (long)n ? 0 : -2;
}

/* Frames that were given back do not become the hypervisor's own while anybody can still write
 * them. A try for each page of ports. */
ATTACK(stale_translations, HOLDS, BY_DOMU | FRESH, 0)
{
	struct evtchn_alloc_unbound op = {DOMID_SELF, 0, 0};
	struct evtchn_status status = {DOMID_SELF, 2, 0, 0, {{0, 0}}};
	ulong pfns[8];
	unsigned int n = 0;

	for (unsigned int i = 0; i < 32 && n < ARRAY_SIZE(pfns); i++) {
		u8 *page = page_alloc();

		if (!(frame_of(page) % 2))
			pfns[n++] = ((ulong)page - VIRT_BASE) >> PAGE_SHIFT;
	}
	for (; status.port < BITS_PER_LONG * BITS_PER_LONG; status.port += 512) {
		long error = stale_once(&op, pfns, n);

		if (!error && CALL2(event_channel_op, EVTCHNOP_status, &status))
			error = -3;
		if (error || status.status)
			return error - 10;
		while (op.port % 512 != 511)
			if (CALL2(event_channel_op, EVTCHNOP_alloc_unbound, &op))
				return -4;
	}
	return 0;
}

static long control_call(u32 cmd)
{
	static struct domctl c;

	memset(&c, 0, sizeof(c));
	c.cmd = cmd;
	c.interface_version = DOMCTL_VERSION;
	c.domain = bench.neighbour;
	return CALL1(domctl, &c);
}

REFUSED_TO_DOMU(control_of_neighbour, EPERM)
{
	for (u32 cmd = 0; cmd < DOMCTLS; cmd++)
		if (control_call(cmd) != -EPERM)
			return cmd;
	return -EPERM;
}

REFUSED_TO_DOMU(control_of_machine, EPERM)
{
	static struct sysctl s;

	for (u32 cmd = 0; cmd < DOMCTLS; cmd++) {
		s.cmd = cmd;
		s.interface_version = SYSCTL_VERSION;
		if (CALL1(sysctl, &s) != -EPERM)
			return cmd;
	}
	return -EPERM;
}

REFUSED_TO_DOM0(dom0_destroys_itself, EINVAL)
{
	static struct domctl c;

	c.cmd = DOMCTL_destroydomain;
	c.interface_version = DOMCTL_VERSION;
	return CALL1(domctl, &c);
}

REFUSED_TO_DOM0(control_of_another_version, EACCES)
{
	static struct domctl c;

	c.cmd = DOMCTL_pausedomain;
	c.interface_version = DOMCTL_VERSION + 1;
	return CALL1(domctl, &c);
}

REFUSED_TO_DOMU(interrupts_of_devices, EPERM)
{
	u32 cmd;

	for (cmd = 5; cmd < 32; cmd++) {
		long result = cmd == 6 ? -EPERM : CALL2(physdev_op, cmd, page_next());

		if (result != -EPERM && result != -ENOSYS)
			return cmd;
	}
	return -EPERM;
}

REFUSED_TO_DOMU(command_line_of_hypervisor, EPERM)
{
	return CALL2(xen_version, XENVER_commandline, page_alloc());
}

REFUSED_TO_DOMU(keys_of_console, EPERM)
{
	return CALL3(console_io, CONSOLEIO_read, 16, page_alloc());
}

REFUSED(console_of_endless_length, 7)
{
	return CALL3(console_io, CONSOLEIO_write, 0x7fffffff, page_alloc());
}

REFUSED(unknown_hypercalls, ENOSYS)
{
	for (ulong nr = HC_domctl + 1; nr < HYPERCALLS; nr++)
		if (hypercall5(nr, 1, 2, 3, 4, 5) != -ENOSYS)
			return (long)nr;
	return -ENOSYS;
}

static struct vcpu_guest_context context;

static long initialise(u32 vcpu)
{
	return CALL3(vcpu_op, VCPUOP_initialise, vcpu, &context);
}

static void good_context(void)
{
	kernel_context(&context, frame_of((void *)start->pt_base));
}

REFUSED_TO_DOMU(vcpu_with_memory_as_root, EBUSY)
{
	good_context();
	context.ctrlreg[3] = frame_of(page_alloc()) << PAGE_SHIFT;
	return initialise(1);
}

REFUSED_TO_DOMU(vcpu_with_root_of_neighbour, EINVAL)
{
	good_context();
	context.ctrlreg[3] = bench.neighbour_root << PAGE_SHIFT;
	return initialise(1);
}

REFUSED_TO_DOMU(vcpu_with_gdt_of_neighbour, EINVAL)
{
	good_context();
	context.gdt_frames[0] = bench.neighbour_frame;
	context.gdt_ents = 8;
	return initialise(1);
}

REFUSED_TO_DOMU(vcpu_with_endless_gdt, EINVAL)
{
	good_context();
	context.gdt_ents = ~0ul;
	return initialise(1);
}

REFUSED_TO_DOMU(vcpu_with_ldt, EINVAL)
{
	good_context();
	context.ldt_ents = 8;
	return initialise(1);
}

REFUSED_TO_DOMU(vcpu_up_uninitialised, EINVAL)
{
	return CALL3(vcpu_op, VCPUOP_up, 1, 0);
}

REFUSED_TO_DOMU(vcpu_initialised_twice, EEXIST)
{
	good_context();
	return initialise(0);
}

REFUSED(vcpu_beyond_all, ENOENT)
{
	good_context();
	return initialise(0xffffffff);
}

/* Everything that a frame can ask for: it may run, but with no more rights than others. */
KILLS(vcpu_in_ring0)
{
	good_context();
	context.regs.cs = 0xe008;
	context.regs.ss = 0xe010;
	context.regs.ds = context.regs.es = context.regs.fs = context.regs.gs = 0xe010;
	context.regs.flags = 0xffffffff;
	context.regs.ip = HV_INSIDE;
	context.flags = VGCF_in_kernel | VGCF_i387_valid;
	memset(context.fpu, 0xff, sizeof(context.fpu)); /* MXCSR with all bits */
	if (initialise(1) || CALL3(vcpu_op, VCPUOP_up, 1, 0))
		return -1;
	for (;;)
		nap(1000000);
}

/* With the FPU in use: what it was given is loaded. */
ENDS(vcpu_with_bad_fpu)
{
	static u8 stack[4096];

	good_context();
	context.flags = VGCF_in_kernel | VGCF_i387_valid;
	memset(context.fpu, 0xff, sizeof(context.fpu));
	context.regs.ip = (ulong)hold_secret;
	context.regs.sp = (ulong)stack + sizeof(stack) - 64;
	if (initialise(1) || CALL3(vcpu_op, VCPUOP_up, 1, 0))
		return -1;
	for (;;)
		nap(1000000);
}

static long register_info(ulong frame, u32 offset)
{
	struct register_vcpu_info op = {frame, offset, 0};

	return CALL3(vcpu_op, VCPUOP_register_vcpu_info, 1, &op);
}

REFUSED_TO_DOMU(vcpu_info_in_neighbour, EINVAL)
{
	return register_info(bench.neighbour_frame, 0);
}

REFUSED_TO_DOMU(vcpu_info_in_page_table, EINVAL)
{
	return register_info(frame_of((void *)start->pt_base), 0);
}

REFUSED_TO_DOMU(vcpu_info_over_end, EINVAL)
{
	return register_info(frame_of(page_alloc()), PAGE_SIZE - 8);
}

REFUSED_TO_DOMU(vcpu_info_far_over_end, EINVAL)
{
	return register_info(frame_of(page_alloc()), 0xfffffff8);
}

/* The hypervisor copies it there when it goes on. */
HOLDS(runstate_in_hypervisor)
{
	ulong at = HV_INSIDE;

	CALL3(vcpu_op, VCPUOP_register_runstate, 0, &at);
	nap(1000000);
	at = 16;
	CALL3(vcpu_op, VCPUOP_register_runstate, 0, &at);
	nap(1000000);
	at = 0;
	return CALL3(vcpu_op, VCPUOP_register_runstate, 0, &at);
}
