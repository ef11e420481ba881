/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds a domain from the module, as a domain builder does through domctl. */
#include "builder.h"
#include "asm/pte.h"
#include "lib.h"

struct domctl op;
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

long map_foreign(const void *at, domid_t id, ulong mfn)
{
	u64 e = pte_of(mfn, PTE_P | PTE_RW | PTE_US);

#ifdef __i386__
	return hypercall5(HC_update_va_mapping_otherdomain, (ulong)at, (ulong)e, (ulong)(e >> 32),
			  UVMF_INVLPG, id);
#else
	return CALL4(update_va_mapping_otherdomain, at, e, UVMF_INVLPG, id);
#endif
}

static void *look(const struct domu *d, ulong pfn)
{
	long error = map_foreign(window, d->id, d->mfns[pfn]);

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
	kernel_context(&context, root);
	context.regs.ip = d->kernel.entry;
	if (LEVELS == 3)
		context.regs.fs = context.regs.gs = KERNEL_SS;
	context.regs.si = d->base + (d->info << PAGE_SHIFT);
	context.regs.sp = d->base + ((d->stack + 1) << PAGE_SHIFT);
	context.regs.flags = 0x200;
	context.kernel_ss = KERNEL_SS;
	context.kernel_sp = context.regs.sp;
	context.flags |= VGCF_online;
	op.u.vcpucontext.vcpu = 0;
	op.u.vcpucontext.ctxt = (ulong)&context;
	return control(DOMCTL_setvcpucontext, d->id);
}

bool build(struct domu *d, ulong pages, unsigned int vcpus, const char *words)
{
	const char *error;

	if (!window)
		window = page_alloc();
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
	op.u.createdomain.max_vcpus = vcpus;
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
