/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build.h"

#include "control.h"
#include "event.h"
#include "pagetable.h"
#include "tables.h"
#include "vcpu_start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOOT_PADDING (512ul << 10) /* what a guest may count on to be mapped behind its stack */
#define BOOT_ALIGN   (4ul << 20)
#define BATCH        1024ul /* pages that are asked for at a time */

/* Where everything lies, in pages. */
struct plan {
	pfn_t kernel_end, module, p2m, start, store, console, tables, stack, end;
	u32 table_count;
	unsigned long p2m_pages;
	struct range ranges[2];
	u32 range_count;
};

struct build {
	const struct guest_config *config;
	const struct image *image;
	const void *module;
	size_t module_size;
	mfn_t *frames;
	struct foreign foreign;
	struct plan plan;
	struct built *built;
};

static u64 va_of(const struct build *b, pfn_t page)
{
	return b->image->base + ((u64)page << PAGE_SHIFT);
}

/* The tables map themselves, so their number is found by trying. */
static bool lay_out(struct build *b)
{
	struct plan *plan = &b->plan;
	unsigned long pages = b->foreign.pages;
	bool apart = b->image->init_p2m != NO_ADDRESS;
	pfn_t next;

	plan->kernel_end = pages_for((unsigned long)(b->image->end - b->image->base));
	plan->module = plan->kernel_end;
	next = plan->module + pages_for(b->module_size);
	plan->p2m_pages = pages_for(pages * sizeof(mfn_t));
	plan->p2m = next;
	next += apart ? 0 : plan->p2m_pages;
	plan->start = next++;
	plan->store = next++;
	plan->console = next++;
	plan->tables = next;
	plan->range_count = apart ? 2 : 1;
	for (u32 count = 1, needed;; count = needed) {
		plan->table_count = count;
		plan->stack = plan->tables + count;
		plan->end = plan->stack + 1;
		plan->end = (plan->end * PAGE_SIZE + BOOT_PADDING + BOOT_ALIGN - 1) / BOOT_ALIGN *
			    (BOOT_ALIGN / PAGE_SIZE);
		if (plan->end > pages)
			plan->end = pages; /* a small domain gets what there is */
		plan->ranges[0] = (struct range){b->image->base, 0, plan->end};
		if (apart) {
			plan->p2m = plan->end;
			plan->ranges[1] =
			    (struct range){b->image->init_p2m, plan->p2m, plan->p2m_pages};
		}
		needed = tables_count(plan->ranges, plan->range_count);
		if (needed <= count)
			break;
	}
	return plan->stack < plan->end && plan->end + (apart ? plan->p2m_pages : 0) <= pages;
}

static bool get_memory(struct build *b)
{
	unsigned long pages = b->foreign.pages;

	if (domain_set_limit(b->foreign.dom, b->config->memory))
		return false;
	for (pfn_t page = 0; page < pages; page++)
		b->frames[page] = page;
	for (pfn_t page = 0; page < pages; page += BATCH) {
		unsigned long count = pages - page < BATCH ? pages - page : BATCH;

		if (domain_populate(b->foreign.dom, b->frames + page, count))
			return false;
	}
	return true;
}

static bool load(struct build *b)
{
	bool ok = true;

	for (u32 i = 0; ok && i < b->image->load_count; i++) {
		const struct image_load *l = &b->image->loads[i];
		u64 at = l->va - b->image->base;

		ok = foreign_write(&b->foreign, at, l->data, l->filled) &&
		     foreign_write(&b->foreign, at + l->filled, NULL, l->size - l->filled);
	}
	return ok &&
	       foreign_write(&b->foreign, (u64)b->plan.module << PAGE_SHIFT, b->module,
			     b->module_size) &&
	       foreign_write(&b->foreign, (u64)b->plan.p2m << PAGE_SHIFT, b->frames,
			     b->foreign.pages * sizeof(mfn_t)) &&
	       foreign_write(&b->foreign, (u64)b->plan.store << PAGE_SHIFT, NULL, 2 * PAGE_SIZE);
}

/* Events wait until the guest has said where it wants them. */
static bool mask_events(const struct build *b, u64 frame)
{
	mfn_t frames[1] = {(mfn_t)frame};
	struct shared_info *page = map_foreign(frames, 1, b->foreign.dom, PTE_KERNEL);

	for (u32 i = 0; page && i < LENGTH(page->vcpu); i++)
		page->vcpu[i].upcall_mask = 1;
	if (page)
		unmap_foreign(page, 1);
	return page;
}

static bool write_start(struct build *b)
{
	const struct plan *plan = &b->plan;
	struct start_info *start = foreign_map(&b->foreign, plan->start);
	struct domain_info info;

	if (!start || domain_info(b->foreign.dom, &info) || !mask_events(b, info.shared_info_frame))
		return false;
	memset(start, 0, PAGE_SIZE);
	snprintf(start->magic, sizeof(start->magic), "xen-3.0-%s", GUEST_TYPE);
	start->nr_pages = b->foreign.pages;
	start->shared_info = (unsigned long)(info.shared_info_frame << PAGE_SHIFT);
	start->store_mfn = b->frames[plan->store];
	start->store_port = b->built->store_port;
	start->console.domu.mfn = b->frames[plan->console];
	start->console.domu.port = b->built->console_port;
	start->pt_base = (unsigned long)va_of(b, plan->tables);
	start->nr_pt_frames = plan->table_count;
	start->mfn_list = (unsigned long)va_of(b, plan->p2m);
	if (plan->range_count > 1) {
		start->mfn_list = (unsigned long)b->image->init_p2m;
		start->first_p2m_pfn = plan->p2m;
		start->nr_p2m_frames = plan->p2m_pages;
	}
	if (b->module_size) {
		bool by_pfn = b->image->module_by_pfn;

		start->mod_start = by_pfn ? plan->module : (unsigned long)va_of(b, plan->module);
		start->mod_len = b->module_size;
		start->flags = by_pfn ? START_MOD_PFN : 0;
	}
	snprintf(start->cmdline, sizeof(start->cmdline), "%s", b->config->cmdline);
	foreign_unmap(start);
	return true;
}

static bool start_vcpu(struct build *b)
{
	static struct vcpu_guest_context context;
	const struct plan *plan = &b->plan;

	vcpu_start(&context, (unsigned long)b->image->entry,
		   (unsigned long)va_of(b, plan->stack) + PAGE_SIZE,
		   (unsigned long)va_of(b, plan->start), b->frames[plan->tables]);
	return !domain_set_context(b->foreign.dom, 0, &context);
}

static bool make_ports(struct build *b)
{
	int store = event_unbound_of(b->foreign.dom, 0);
	int console = event_unbound_of(b->foreign.dom, 0);

	if (store < 0 || console < 0)
		return false;
	b->built->store_port = (port_t)store;
	b->built->console_port = (port_t)console;
	return true;
}

static const char *fill(struct build *b)
{
	const struct plan *plan = &b->plan;
	u64 page = b->image->hypercall_page;

	if (!get_memory(b))
		return "there is not enough memory for it";
	if (!load(b) || !tables_write(&b->foreign, plan->ranges, plan->range_count, plan->tables))
		return "its memory cannot be written";
	if (page != NO_ADDRESS) {
		u64 number = (page - b->image->base) >> PAGE_SHIFT;

		if (page < b->image->base || number >= plan->end ||
		    domain_hypercall_page(b->foreign.dom, b->frames[number]))
			return "its hypercall page cannot be made";
	}
	if (!make_ports(b) || !write_start(b))
		return "its start page cannot be made";
	if (domain_mmuext(b->foreign.dom, PT_PIN_TOP, b->frames[plan->tables]))
		return "its page tables were refused";
	if (!start_vcpu(b))
		return "its first vcpu was refused";
	b->built->store_frame = b->frames[plan->store];
	b->built->console_frame = b->frames[plan->console];
	return NULL;
}

const char *build_domain(const struct guest_config *config, const struct image *image,
			 const void *module, size_t module_size, struct built *built)
{
	struct build b = {.config = config,
			  .image = image,
			  .module = module,
			  .module_size = module_size,
			  .built = built};
	const char *error;
	int dom;

	if (image->wide != (sizeof(long) == 8))
		return image->wide ? "a 64-bit kernel needs a 64-bit hypervisor"
				   : "a 32-bit kernel needs a 32-bit hypervisor";
	b.foreign.pages = (unsigned long)(config->memory >> (PAGE_SHIFT - 10));
	if (!lay_out(&b))
		return "its memory is too small for its kernel";
	b.frames = malloc(b.foreign.pages * sizeof(mfn_t));
	if (!b.frames)
		return "dom0 has no memory left";
	dom = domain_create(config->vcpus);
	if (dom < 0) {
		free(b.frames);
		return "the hypervisor makes no domain";
	}
	built->dom = b.foreign.dom = (domid_t)dom;
	b.foreign.frames = b.frames;
	error = fill(&b);
	if (error)
		domain_destroy(built->dom);
	free(b.frames);
	return error;
}
