/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making a domain of a saved one: page numbers become frames again, wherever those lie now. */
#include "build.h"
#include "event.h"
#include "foreign.h"
#include "memory.h"
#include "pagetable.h"
#include "saved.h"
#include "vcpu_context.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES_IN_PAGE (PAGE_SIZE / sizeof(mfn_t))
#define BATCH          1024ul

struct making {
	const struct saved *saved;
	const struct guest_config *config;
	struct built *built;
	mfn_t *frames;
	struct foreign foreign;
};

static unsigned long to_frame(void *data, unsigned long page)
{
	struct making *m = data;

	return page < m->saved->count ? m->frames[page] : NO_PAGE;
}

static bool get_memory(struct making *m)
{
	unsigned long batch[BATCH], n = 0;
	pfn_t first = 0;

	if (domain_set_limit(m->foreign.dom, m->config->memory))
		return false;
	for (pfn_t pfn = 0; pfn <= m->saved->count; pfn++) {
		if (pfn < m->saved->count) {
			m->frames[pfn] = NO_PAGE;
			if (m->saved->pages[pfn].there)
				batch[n++] = pfn;
		}
		if (n < BATCH && pfn < m->saved->count)
			continue;
		if (n && domain_populate(m->foreign.dom, batch, n))
			return false;
		for (unsigned long i = 0; i < n; first++)
			if (m->saved->pages[first].there)
				m->frames[first] = batch[i++];
		n = 0;
	}
	return true;
}

static bool put_page(struct making *m, pfn_t pfn)
{
	const struct saved_page *page = &m->saved->pages[pfn];
	char *to = foreign_map(&m->foreign, pfn);

	if (!to)
		return false;
	if (page->is_p2m) {
		unsigned long first = page->p2m_index * FRAMES_IN_PAGE;
		unsigned long left = m->saved->count - first;

		left = left < FRAMES_IN_PAGE ? left : FRAMES_IN_PAGE;
		memset(to, 0xff, PAGE_SIZE);
		memcpy(to, m->frames + first, left * sizeof(mfn_t));
	} else if (page->data) {
		memcpy(to, page->data, PAGE_SIZE);
		if (page->level)
			saved_table((u64 *)(void *)to, to_frame, m);
	} else {
		memset(to, 0, PAGE_SIZE);
	}
	foreign_unmap(to);
	return true;
}

/* What the guest finds when it wakes: as at its start, but that it gave pages of its rings itself.
 */
static bool put_start(struct making *m, u64 shared_frame)
{
	struct start_info *start = foreign_map(&m->foreign, m->saved->start_page);
	mfn_t store, console;
	bool ok;

	if (!start)
		return false;
	store = to_frame(m, start->store_mfn);
	console = to_frame(m, start->console.domu.mfn);
	ok = store != NO_PAGE && console != NO_PAGE;
	start->shared_info = (unsigned long)(shared_frame << PAGE_SHIFT);
	start->flags = 0;
	start->store_mfn = m->built->store_frame = store;
	start->store_port = m->built->store_port;
	start->console.domu.mfn = m->built->console_frame = console;
	start->console.domu.port = m->built->console_port;
	foreign_unmap(start);
	return ok &&
	       foreign_write(&m->foreign, (u64)page_of_frame(store) << PAGE_SHIFT, NULL, PAGE_SIZE);
}

static bool put_shared(const struct making *m, u64 frame)
{
	mfn_t frames[1] = {(mfn_t)frame};
	struct shared_info *page = map_foreign(frames, 1, m->foreign.dom, PTE_KERNEL);

	if (!page)
		return false;
	for (u32 i = 0; i < LENGTH(page->vcpu); i++) {
		page->vcpu[i].arch = m->saved->shared->vcpu[i].arch;
		page->vcpu[i].upcall_mask = 1;
	}
	memset(page->mask, 0xff, sizeof(page->mask));
	page->max_pfn = m->saved->shared->max_pfn;
	unmap_foreign(page, 1);
	return true;
}

static bool make_ports(struct making *m)
{
	int store = event_unbound_of(m->foreign.dom, 0);
	int console = event_unbound_of(m->foreign.dom, 0);

	m->built->store_port = (port_t)store;
	m->built->console_port = (port_t)console;
	return store >= 0 && console >= 0;
}

static bool pin(struct making *m)
{
	for (pfn_t pfn = 0; pfn < m->saved->count; pfn++) {
		const struct saved_page *page = &m->saved->pages[pfn];

		if (page->pinned && page->level &&
		    domain_mmuext(m->foreign.dom, MMUEXT_PIN_L1 + page->level - 1u, m->frames[pfn]))
			return false;
	}
	return true;
}

static bool put_vcpus(struct making *m)
{
	static struct vcpu_guest_context context;

	for (u32 i = 0; i < LENGTH(m->saved->vcpus); i++) {
		if (!m->saved->vcpus[i])
			continue;
		context = *m->saved->vcpus[i];
		if (!saved_registers(&context, to_frame, m))
			return false;
		if (!i)
			context.regs.dx = to_frame(m, m->saved->start_page);
		if (domain_set_context(m->foreign.dom, i, &context))
			return false;
	}
	return true;
}

static const char *make(struct making *m)
{
	struct domain_info info;

	if (!get_memory(m))
		return "there is not enough memory for it";
	for (pfn_t pfn = 0; pfn < m->saved->count; pfn++)
		if (m->saved->pages[pfn].there && !put_page(m, pfn))
			return "its memory cannot be written";
	if (domain_info(m->foreign.dom, &info) || !make_ports(m) ||
	    !put_start(m, info.shared_info_frame) || !put_shared(m, info.shared_info_frame))
		return "its start page cannot be made";
	if (!pin(m))
		return "its page tables were refused";
	return put_vcpus(m) ? NULL : "its vcpus were refused";
}

const char *saved_build(const struct saved *saved, const struct guest_config *config,
			struct built *built)
{
	struct making m = {.saved = saved, .config = config, .built = built};
	const char *error;
	int dom;

	m.frames = malloc(saved->count * sizeof(*m.frames));
	if (!m.frames)
		return "dom0 has not enough memory left";
	dom = domain_create(config->vcpus);
	if (dom < 0) {
		free(m.frames);
		return "the hypervisor makes no domain";
	}
	built->dom = (domid_t)dom;
	m.foreign = (struct foreign){(domid_t)dom, m.frames, saved->count};
	error = make(&m);
	if (error)
		domain_destroy(built->dom);
	free(m.frames);
	return error;
}
