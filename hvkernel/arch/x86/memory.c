/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's memory: the hypervisor's own page tables, the frame table, the machine-to-physical
 * table, and what is left for guests. */
#include "asm/boot.h"
#include "asm/cpu.h"
#include "asm/machphys.h"
#include "asm/pte.h"
#include "asm/tables.h"
#include "errno.h"
#include "frame.h"
#include "guest.h"
#include "hypercall.h"
#include "lib.h"

#define LOW_MEMORY                                                                                 \
	0x100ul /* frames below 1 MiB stay with the firmware, dom0 and the trampoline              \
		 */

u64 pte_nx;
static ulong early_used; /* frames */
static mfn_t early_at;   /* next frame that early_frame() looks at */

static bool is_taken(mfn_t mfn)
{
	u64 address = (u64)mfn << PAGE_SHIFT;

	if (mfn < LOW_MEMORY)
		return true;
	if (mfn >= direct_frame(_image) && address < ROUND_UP(direct_phys(_end), PAGE_SIZE))
		return true;
	for (unsigned int i = 0; i < boot.module_count; i++)
		if (address + PAGE_SIZE > boot.modules[i].start && address < boot.modules[i].end)
			return true;
	return false;
}

static bool is_ram(mfn_t mfn)
{
	u64 address = (u64)mfn << PAGE_SHIFT;
	bool ram = false;

	for (unsigned int i = 0; i < boot.range_count; i++) {
		const struct range *r = &boot.ranges[i];
		u64 end = r->start + r->size;

		if (r->type == RANGE_RAM)
			ram |= address >= r->start && address + PAGE_SIZE <= end;
		else if (address + PAGE_SIZE > r->start && address < end)
			return false;
	}
	return ram;
}

/* Contiguous memory before there is an allocator: the first free place below the end of the direct
 * map, never given back. */
static u64 early_frames(ulong count, const char *what)
{
	mfn_t mfn = early_at, end = MIN(DIRECT_SIZE >> PAGE_SHIFT, 1ul << 20);

	if (allocation_fails(what))
		end = 0;
	for (ulong run = 0; run < count; mfn++) {
		if (mfn >= end)
			panic("no memory for %s: the machine has too little", what);
		run = is_ram(mfn) && !is_taken(mfn) ? run + 1 : 0;
	}
	early_at = mfn;
	early_used += count;
	return (u64)(mfn - count) << PAGE_SHIFT;
}

static u64 *table_below(u64 *entry)
{
	u64 address;

	if (!(*entry & PTE_P)) {
		address = early_frames(1, "page tables");
		memset((void *)(DIRECT_BASE + (ulong)address), 0, PAGE_SIZE);
		*entry = address | PTE_P | PTE_RW;
	}
	return (u64 *)(DIRECT_BASE + (ulong)(*entry & PTE_MFN));
}

/* The L2 entry that is responsible for va, in the hypervisor's tables. */
static u64 *l2_entry(ulong va)
{
#ifdef __i386__
	return &hv_l2[(va >> 21) & 511];
#else
	u64 *l3 = table_below(&hv_root[(va >> 39) & 511]);

	return &table_below(&l3[(va >> 30) & 511])[(va >> 21) & 511];
#endif
}

u64 *hv_l1_entry(ulong va)
{
	u64 *l1 = table_below(l2_entry(va));

	return &l1[(va >> 12) & 511];
}

/* Used at boot only: afterwards guests have copies of the upper levels. */
void hv_map(ulong va, u64 address, size_t size, u64 flags)
{
	const size_t large = 0x200000;

	while (size) {
		size_t step = PAGE_SIZE;

		if (!((va | address) & (large - 1)) && size >= large) {
			*l2_entry(va) = address | flags | PTE_PSE;
			step = large;
		} else {
			*hv_l1_entry(va) = address | flags;
		}
		va += step;
		address += step;
		size -= MIN(size, step);
	}
}

static void find_end(void)
{
	for (unsigned int i = 0; i < boot.range_count; i++) {
		u64 end = (boot.ranges[i].start + boot.ranges[i].size) >> PAGE_SHIFT;

		if (boot.ranges[i].type == RANGE_RAM && end > max_frame)
			max_frame = (mfn_t)MIN(end, (u64)MAX_RAM_FRAMES);
	}
	direct_frames = MIN(max_frame, (mfn_t)(DIRECT_SIZE >> PAGE_SHIFT));
}

static void set_owners(u64 start, u64 end, u8 owner)
{
	mfn_t last = (mfn_t)MIN(end, (u64)max_frame);

	for (mfn_t mfn = (mfn_t)MIN(start, (u64)last); mfn < last; mfn++)
		frame_table[mfn].owner = owner;
}

/* RAM is ours until it is given away: whole frames of it, of which nothing else claims a part. What
 * lies below 1 MiB is dom0's to look at. */
static void find_owners(void)
{
	set_owners(0, max_frame, OWNER_IO);
	for (unsigned int i = 0; i < boot.range_count; i++) {
		const struct range *r = &boot.ranges[i];

		if (r->type == RANGE_RAM)
			set_owners((r->start + PAGE_SIZE - 1) >> PAGE_SHIFT,
				   (r->start + r->size) >> PAGE_SHIFT, OWNER_HV);
	}
	for (unsigned int i = 0; i < boot.range_count; i++) {
		const struct range *r = &boot.ranges[i];

		if (r->type != RANGE_RAM)
			set_owners(r->start >> PAGE_SHIFT,
				   (r->start + r->size + PAGE_SIZE - 1) >> PAGE_SHIFT, OWNER_IO);
	}
	set_owners(0, LOW_MEMORY, OWNER_IO);
}

static void map_frame_table(void)
{
	size_t size = ROUND_UP(max_frame * sizeof(struct page), PAGE_SIZE);
	u64 at = early_frames(size >> PAGE_SHIFT, "the frame table");

	hv_map(FRAMETABLE, at, size, PTE_P | PTE_RW | PTE_G | pte_nx);
	tlb_reload();
	frame_table = (struct page *)FRAMETABLE;
	memset(frame_table, 0, size);
	find_owners();
}

static void map_machphys(void)
{
	size_t size = ROUND_UP(max_frame * sizeof(ulong), PAGE_SIZE);
	u64 at = early_frames(size >> PAGE_SHIFT, "the machine-to-physical table");

	hv_map(MACHPHYS_HV, at, size, PTE_P | PTE_RW | PTE_G | pte_nx);
	hv_map(MACHPHYS_GUEST, at, size, PTE_P | PTE_US | pte_nx);
	machphys_open_to_users();
	tlb_reload();
	memset((void *)MACHPHYS_HV, 0xff, size);
}

/* The image's own pages: code read only, the rest not executable where the CPU can say so. */
static void protect_image(void)
{
	u64 *l2 = l2_entry(DIRECT_BASE), l1_at = early_frames(1, "the image's page table");
	u64 *l1 = (u64 *)(DIRECT_BASE + (ulong)l1_at);

	for (ulong i = 0; i < 512; i++) {
		ulong va = DIRECT_BASE + i * PAGE_SIZE;
		bool code = va >= (ulong)_image && va < (ulong)_etext;
		bool constant = va < (ulong)_rodata_end && va >= (ulong)_image;

		l1[i] =
		    i * PAGE_SIZE | PTE_P | PTE_G | (constant ? 0 : PTE_RW) | (code ? 0 : pte_nx);
	}
	*l2 = l1_at | PTE_P | PTE_RW;
	tlb_reload();
}

static void add_free(void)
{
	mfn_t start = 0;
	bool open = false;

	for (mfn_t mfn = early_at; mfn <= max_frame; mfn++) {
		bool use = mfn < max_frame && frame_table[mfn].owner == OWNER_HV && !is_taken(mfn);

		if (use && !open)
			start = mfn;
		if (!use && open)
			frames_add(start, mfn);
		open = use;
	}
}

void memory_init(void)
{
	early_at = direct_frame(_end) + 1;
	find_end();
	tables_init();
	if (direct_phys(_end) > 0x200000)
		panic("the image is larger than it says");
	protect_image();
	map_frame_table();
	map_machphys();
	windows_init();
	add_free();
	printk("memory: %lu MiB, %lu MiB free; tables %lu KiB\n", total_frames >> 8,
	       free_frames >> 8, early_used << 2);
}

static void add_module(const struct module *m)
{
	for (mfn_t mfn = (mfn_t)(m->start >> PAGE_SHIFT); (u64)mfn << PAGE_SHIFT < m->end; mfn++)
		if (page_of(mfn) && frame_table[mfn].owner == OWNER_HV && mfn > direct_frame(_end))
			frames_add(mfn, mfn + 1);
}

/* When dom0 has its copies, the modules' memory is free. */
void memory_add_rest(void)
{
	for (unsigned int i = 0; i < boot.module_count; i++)
		add_module(&boot.modules[i]);
	boot.module_count = 0;
}

/* In the form of the BIOS's E820. */
long arch_machine_memory_map(struct memory_map *map)
{
	struct {
		u64 start, size;
		u32 type;
	} __attribute__((packed)) e;
	u32 n = MIN(map->nr_entries, boot.range_count);

	for (u32 i = 0; i < n; i++) {
		e.start = boot.ranges[i].start;
		e.size = boot.ranges[i].size;
		e.type = boot.ranges[i].type;
		if (!copy_to_guest(map->buffer + i * sizeof(e), &e, sizeof(e)))
			return -EFAULT;
	}
	map->nr_entries = n;
	return 0;
}
