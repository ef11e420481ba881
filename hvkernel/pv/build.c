/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds dom0 from the first module, an ELF kernel with Xen notes; the second is its initial RAM
 * disk. In memory, from the kernel's virtual base up: kernel, RAM disk, list of frames (p2m),
 * start_info, page tables, stack, at least 512 KiB of room, up to a multiple of 4 MiB
 * (public/xen.h, "Start-of-day memory layout").
 */
#include "asm/boot.h"
#include "asm/geometry.h"
#include "asm/machphys.h"
#include "asm/pv.h"
#include "cmdline.h"
#include "console.h"
#include "cpus.h"
#include "elf.h"
#include "frame.h"
#include "guest.h"
#include "hypercall.h"
#include "lib.h"
#include "pagetype.h"
#include "sched.h"
#include "space.h"

#define CHUNK_ORDER                                                                                \
	10 /* memory is taken in pieces of 4 MiB, and smaller ones where there are none */
#define MAX_CHUNKS       8192
#define ROOM             (512ul << 10)
#define MAX_CPUS_OF_DOM0 8

struct chunk {
	ulong pfn;
	mfn_t mfn;
	ulong count;
};

struct build {
	struct domain *d;
	struct elf_kernel kernel;
	ulong base;  /* virtual address of pfn 0 */
	ulong pages; /* in all */
	struct chunk *chunks;
	unsigned int chunk_count;
	ulong module, module_size;                              /* pfn, bytes */
	ulong p2m, start_info, tables, table_count, stack, end; /* pfns */
};

static mfn_t frame_at(const struct build *b, ulong pfn)
{
	for (unsigned int i = 0; i < b->chunk_count; i++)
		if (pfn - b->chunks[i].pfn < b->chunks[i].count)
			return b->chunks[i].mfn + (pfn - b->chunks[i].pfn);
	panic("dom0 has no page %lu", pfn);
}

/* Piece by piece, since pages may lie anywhere; NULL: zeros, which they hold already. */
static void write_memory(const struct build *b, ulong offset, const void *from, size_t size)
{
	while (size) {
		size_t at = offset & (PAGE_SIZE - 1), step = MIN(size, PAGE_SIZE - at);
		u8 *page = map_frame(frame_at(b, offset >> PAGE_SHIFT));

		memcpy(page + at, from, step);
		unmap_frame(page);
		from = (const u8 *)from + step;
		offset += step;
		size -= step;
	}
}

static void load_segment(void *context, ulong va, const u8 *data, size_t file_size,
			 size_t memory_size)
{
	(void)memory_size;
	write_memory(context, va - ((struct build *)context)->base, data, file_size);
}

static void take_memory(struct build *b)
{
	ulong pfn = 0;

	b->chunks = hv_alloc(6);
	if (!b->chunks)
		panic("no memory for the list of dom0's memory");
	for (unsigned int order = CHUNK_ORDER; pfn < b->pages;) {
		mfn_t mfn;

		while (1ul << order > b->pages - pfn)
			order--;
		mfn = domain_frames_alloc(b->d, order);
		if (mfn == INVALID_MFN && !order--)
			panic("no memory for dom0: %lu of %lu pages", pfn, b->pages);
		if (mfn == INVALID_MFN)
			continue;
		if (b->chunk_count * sizeof(struct chunk) + sizeof(struct chunk) > PAGE_SIZE << 6)
			panic("memory is in too many pieces for dom0");
		b->chunks[b->chunk_count++] = (struct chunk){pfn, mfn, 1ul << order};
		for (ulong i = 0; i < 1ul << order; i++)
			machphys_set(mfn + i, pfn + i);
		pfn += 1ul << order;
	}
}

static ulong pages_of(ulong bytes)
{
	return ROUND_UP(bytes, PAGE_SIZE) >> PAGE_SHIFT;
}

/* How many tables of a level map [base, end). */
static ulong tables_for(ulong base, ulong end, unsigned int level)
{
	unsigned int shift = 12 + 9 * level;

	if (level == PT_LEVELS)
		return 1;
	if (PT_LEVELS == 3 && level == 2)
		return 4; /* all four, as the ABI has it */
	return ((end - 1) >> shift) - (base >> shift) + 1;
}

static void place(struct build *b)
{
	ulong at = pages_of(b->kernel.high - b->base), count, end;

	b->module = at;
	at += pages_of(b->module_size);
	b->p2m = at;
	at += pages_of(b->pages * sizeof(ulong));
	b->start_info = at++;
	b->tables = at;
	b->table_count = 0;
	do {
		count = b->table_count;
		end = b->base + ((at + count + 1) << PAGE_SHIFT) + ROOM;
		end = ROUND_UP(end, 4ul << 20);
		b->table_count = 0;
		for (unsigned int level = 1; level <= PT_LEVELS; level++)
			b->table_count += tables_for(b->base, end, level);
	} while (count != b->table_count);
	b->stack = at + count;
	b->end = (end - b->base) >> PAGE_SHIFT;
	if (b->end > b->pages)
		panic("dom0 needs %lu pages and gets %lu: give it more with dom0_mem=", b->end,
		      b->pages);
}

static void set_entry(const struct build *b, ulong table, unsigned int index, u64 entry)
{
	write_memory(b, (table << PAGE_SHIFT) + index * sizeof(entry), &entry, sizeof(entry));
}

static u64 leaf_flags(const struct build *b, ulong pfn)
{
	bool table = pfn >= b->tables && pfn < b->tables + b->table_count;

	return PTE_P | PTE_A | PTE_D | PTE_US | (table ? 0 : PTE_RW);
}

/* Tables lie root first, then level by level down. Returns the first table of the level below. */
static ulong fill_level(const struct build *b, unsigned int level, ulong first)
{
	ulong below = first + tables_for(b->base, b->base + (b->end << PAGE_SHIFT), level);
	unsigned int shift = 3 + 9 * level;
	ulong count = b->end;
	ulong from = b->base >> shift;
	u64 flags = PTE_P | (level == 3 && PT_LEVELS == 3 ? 0 : PTE_RW | PTE_US | PTE_A);

	if (level > 1)
		count = tables_for(b->base, b->base + (b->end << PAGE_SHIFT), level - 1);
	if (level == 3 && PT_LEVELS == 3)
		from = 0;
	for (ulong i = 0; i < count; i++) {
		ulong slot = from + i, entries = pt_entries(level);
		ulong table =
		    first + slot / entries - (PT_LEVELS == 3 && level == 2 ? 0 : from / entries);
		ulong target = level > 1 ? below + i : i;

		set_entry(b, table, (unsigned int)(slot % entries),
			  pte_of(frame_at(b, target), level > 1 ? flags : leaf_flags(b, target)));
	}
	return below;
}

static void fill_tables(const struct build *b)
{
	ulong first = b->tables;

	for (unsigned int level = PT_LEVELS; level; level--)
		first = fill_level(b, level, first);
}

static void fill_p2m(const struct build *b)
{
	for (ulong pfn = 0; pfn < b->pages; pfn++) {
		ulong mfn = frame_at(b, pfn);

		write_memory(b, (b->p2m << PAGE_SHIFT) + pfn * sizeof(mfn), &mfn, sizeof(mfn));
	}
}

static ulong address(const struct build *b, ulong pfn)
{
	return b->base + (pfn << PAGE_SHIFT);
}

static void fill_start_info(const struct build *b, const char *words)
{
	static struct start_info s;
	struct dom0_vga_console_info screen;

	memset(&s, 0, sizeof(s));
	strcopy(s.magic, b->kernel.is64 ? "xen-3.0-x86_64" : "xen-3.0-x86_32p", sizeof(s.magic));
	s.nr_pages = b->pages;
	s.shared_info = direct_phys(b->d->shared);
	s.flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
	s.pt_base = address(b, b->tables);
	s.nr_pt_frames = b->table_count;
	s.mfn_list = address(b, b->p2m);
	if (b->module_size) {
		s.mod_start = address(b, b->module);
		if (b->kernel.mod_start_pfn) {
			s.mod_start = b->module;
			s.flags |= SIF_MOD_START_PFN;
		}
		s.mod_len = b->module_size;
	}
	print_to(s.cmd_line, sizeof(s.cmd_line), "%s%s%s", words, *words && *dom0_words ? " " : "",
		 dom0_words);
	s.console.dom0.info_size = (u32)arch_screen(&screen);
	if (s.console.dom0.info_size)
		s.console.dom0.info_off = sizeof(s);
	write_memory(b, b->start_info << PAGE_SHIFT, &s, sizeof(s));
	write_memory(b, (b->start_info << PAGE_SHIFT) + sizeof(s), &screen, sizeof(screen));
}

static const u8 *module_data(const struct module *m)
{
	if (m->end > MIN((u64)DIRECT_SIZE, 1ull << 32))
		panic("a module lies at %llx, above what can be read here",
		      (unsigned long long)m->end);
	return (const u8 *)(DIRECT_BASE + (ulong)m->start);
}

static ulong wanted_pages(void)
{
	ulong quarter = total_frames / 4, most = 256ul << 8, pages;

	pages =
	    (ulong)(cmdline_bytes("dom0_mem", (u64)MIN(quarter, most) << PAGE_SHIFT) >> PAGE_SHIFT);
	return MIN(pages, free_frames > 512 ? free_frames - 512 : 0);
}

static void start_vcpu(const struct build *b)
{
	struct vcpu *v = b->d->vcpu[0];
	struct regs *r = &v->arch.regs;
	int error = space_set_root(v, frame_at(b, b->tables), false);

	if (error)
		panic("dom0's page tables are refused: %d", error);
	r->ip = b->kernel.entry;
	r->cs = SEL_KERNEL_CS;
	r->ss = SEL_KERNEL_DS;
	r->sp = address(b, b->stack + 1);
	r->si = address(b, b->start_info);
	r->flags = FLAG_IF | 2;
	if (sizeof(long) == 4)
		r->ds = r->es = r->fs = r->gs = SEL_KERNEL_DS;
	v->arch.kernel_ss = SEL_KERNEL_DS;
	v->initialised = true;
	vcpu_clear_state(v, VCPU_DOWN);
}

static unsigned int wanted_vcpus(void)
{
	char text[16];
	u64 count = cpu_count;

	if (cmdline_value("dom0_max_vcpus", text, sizeof(text)))
		count = parse_number(text, NULL);
	return (unsigned int)MAX(1, MIN(count, MAX_CPUS_OF_DOM0));
}

static void load_all(struct build *b)
{
	elf_each_load(&b->kernel, load_segment, b);
	if (b->kernel.has_hypercall_page) {
		u8 *page = hv_alloc(0);

		if (!page)
			panic("no memory for dom0's hypercall page");
		fill_hypercall_page(page);
		write_memory(b, b->kernel.hypercall_page - b->base, page, PAGE_SIZE);
		hv_free(page, 0);
	}
	if (b->module_size)
		write_memory(b, b->module << PAGE_SHIFT, module_data(&boot.modules[1]),
			     b->module_size);
	fill_p2m(b);
	fill_start_info(b, boot.modules[0].cmdline);
	fill_tables(b);
}

void dom0_build(void)
{
	static struct build b;
	const struct module *m = &boot.modules[0];
	const char *error;

	if (!boot.module_count) {
		printk("there is no module: nothing to run\n");
		machine_stop(false, 1);
	}
	error = elf_read(&b.kernel, module_data(m), (size_t)(m->end - m->start));
	if (error)
		panic("dom0's kernel: %s", error);
	b.base = b.kernel.virt_base;
	if (b.kernel.low < b.base ||
	    (b.kernel.has_hypercall_page && b.kernel.hypercall_page < b.base))
		panic("dom0's kernel lies below its VIRT_BASE");
	if (boot.module_count > 1)
		b.module_size = (ulong)(boot.modules[1].end - boot.modules[1].start);
	if (domain_create(0, true, &b.d))
		panic("no memory for dom0");
	dom0 = b.d;
	dom0->arch.io_allowed = true;
	dom0->max_pages = b.pages = wanted_pages();
	place(&b);
	take_memory(&b);
	load_all(&b);
	if (domain_add_vcpus(dom0, wanted_vcpus())) {
		if (!dom0->max_vcpus)
			panic("no memory for dom0's vcpus");
		printk("no memory for all of dom0's vcpus\n");
	}
	start_vcpu(&b);
	printk("dom0: %lu MiB, %u vcpus, entry %lx, kernel %lx-%lx, tables at %lx\n", b.pages >> 8,
	       dom0->max_vcpus, b.kernel.entry, b.kernel.low, b.kernel.high, address(&b, b.tables));
	hv_free(b.chunks, 6);
	memory_add_rest();
	dom0->max_pages = total_frames;
	domain_unpause(dom0);
}
