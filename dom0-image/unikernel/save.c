/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking a suspended domain: the guest told where its p2m is by shared_info's list of lists of
 * frames. */
#include "foreign.h"
#include "memory.h"
#include "pagetable.h"
#include "saved.h"
#include "vcpu_context.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES_IN_PAGE (PAGE_SIZE / sizeof(mfn_t))
#define BATCH          256ul

struct taking {
	domid_t dom;
	struct saved *saved;
	mfn_t *frames; /* of the domain's pages; NO_PAGE where there is none */
	const char *error;
};

static void *map_one(const struct taking *t, mfn_t frame)
{
	return map_foreign(&frame, 1, t->dom, PTE_READONLY);
}

/* A frame as the page of the domain that it is; those of others have none. */
static unsigned long to_page(void *data, unsigned long frame)
{
	struct taking *t = data;
	pfn_t page = page_of_frame(frame);

	return page < t->saved->count && t->frames[page] == frame ? page : NO_PAGE;
}

static bool take_shared(struct taking *t)
{
	struct domain_info info;
	void *page;

	if (domain_info(t->dom, &info))
		return false;
	t->saved->count = (unsigned long)info.tot_pages;
	page = map_one(t, (mfn_t)info.shared_info_frame);
	t->saved->shared = pages_alloc(1);
	if (!page || !t->saved->shared)
		return false;
	memcpy(t->saved->shared, page, PAGE_SIZE);
	unmap_foreign(page, 1);
	if (t->saved->shared->max_pfn > t->saved->count)
		t->saved->count = t->saved->shared->max_pfn; /* some pages are ballooned out */
	return t->saved->shared->frame_list_list && ~t->saved->shared->frame_list_list;
}

/* One page of the p2m, whose own frame is given. */
static bool take_p2m_page(struct taking *t, mfn_t frame, unsigned long first)
{
	unsigned long left = t->saved->count - first;
	void *page = map_one(t, frame);

	if (!page)
		return false;
	left = left < FRAMES_IN_PAGE ? left : FRAMES_IN_PAGE;
	memcpy(t->frames + first, page, left * sizeof(mfn_t));
	unmap_foreign(page, 1);
	return true;
}

static bool walk_p2m(struct taking *t, bool (*each)(struct taking *, mfn_t, unsigned long))
{
	unsigned long pages = (t->saved->count + FRAMES_IN_PAGE - 1) / FRAMES_IN_PAGE;
	mfn_t *lists = map_one(t, t->saved->shared->frame_list_list);
	bool ok = lists && pages <= FRAMES_IN_PAGE * FRAMES_IN_PAGE;

	for (unsigned long i = 0; ok && i < pages; i += FRAMES_IN_PAGE) {
		mfn_t *list = map_one(t, lists[i / FRAMES_IN_PAGE]);

		ok = list;
		for (unsigned long j = 0; ok && j < FRAMES_IN_PAGE && i + j < pages; j++)
			ok = each(t, list[j], (i + j) * FRAMES_IN_PAGE);
		if (list)
			unmap_foreign(list, 1);
	}
	if (lists)
		unmap_foreign(lists, 1);
	return ok;
}

static bool mark_p2m_page(struct taking *t, mfn_t frame, unsigned long first)
{
	unsigned long page = to_page(t, frame);

	if (page == NO_PAGE)
		return false;
	t->saved->pages[page].is_p2m = true;
	t->saved->pages[page].p2m_index = (u32)(first / FRAMES_IN_PAGE);
	return true;
}

static bool all_zero(const void *data)
{
	const unsigned long *at = data;

	for (unsigned long i = 0; i < PAGE_SIZE / sizeof(*at); i++)
		if (at[i])
			return false;
	return true;
}

static bool take_page(struct taking *t, pfn_t pfn)
{
	struct saved_page *page = &t->saved->pages[pfn];
	void *from = map_one(t, t->frames[pfn]);
	bool ok = from;

	if (from && !all_zero(from)) {
		page->data = pages_alloc(1);
		ok = page->data;
		if (ok)
			memcpy(page->data, from, PAGE_SIZE);
		if (ok && page->level)
			saved_table(page->data, to_page, t);
	}
	if (from)
		unmap_foreign(from, 1);
	return ok;
}

static bool take_types(struct taking *t)
{
	unsigned long types[BATCH];

	for (pfn_t first = 0; first < t->saved->count; first += BATCH) {
		unsigned long n = 0;
		pfn_t pages[BATCH];

		for (pfn_t pfn = first; pfn < first + BATCH && pfn < t->saved->count; pfn++) {
			if (!~t->frames[pfn] || page_of_frame(t->frames[pfn]) != pfn)
				continue;
			pages[n] = pfn;
			types[n++] = t->frames[pfn];
		}
		if (n && domain_frame_types(t->dom, types, n))
			return false;
		for (unsigned long i = 0; i < n; i++) {
			struct saved_page *page = &t->saved->pages[pages[i]];

			if ((types[i] >> 28 & 0xf) == FRAME_NONE)
				continue;
			page->there = true;
			page->level = (u8)FRAME_LEVEL(types[i]);
			page->pinned = FRAME_PINNED(types[i]);
		}
	}
	return true;
}

static bool take_vcpus(struct taking *t, u32 vcpus)
{
	for (u32 i = 0; i < vcpus && i < LENGTH(t->saved->vcpus); i++) {
		struct vcpu_guest_context *context = calloc(1, sizeof(*context));

		if (!context)
			return false;
		if (domain_get_context(t->dom, i, context) || !context->cr[3]) {
			free(context);
			continue;
		}
		t->saved->vcpus[i] = context;
		if (!i)
			t->saved->start_page = to_page(t, saved_start(context));
		if (!saved_registers(context, to_page, t))
			return false;
	}
	return t->saved->vcpus[0] && t->saved->start_page != NO_PAGE;
}

static const char *take(struct taking *t, u32 vcpus)
{
	if (!take_shared(t))
		return "the guest says not where its pages are";
	t->saved->pages = calloc(t->saved->count, sizeof(*t->saved->pages));
	t->frames = malloc(t->saved->count * sizeof(*t->frames));
	if (!t->saved->pages || !t->frames)
		return "dom0 has not enough memory left";
	if (!walk_p2m(t, take_p2m_page) || !walk_p2m(t, mark_p2m_page))
		return "the guest's list of pages cannot be read";
	if (!take_types(t) || !take_vcpus(t, vcpus))
		return "the hypervisor does not tell the domain's state";
	for (pfn_t pfn = 0; pfn < t->saved->count; pfn++)
		if (t->saved->pages[pfn].there && !t->saved->pages[pfn].is_p2m &&
		    !take_page(t, pfn))
			return "dom0 has not enough memory left";
	return NULL;
}

struct saved *saved_take(domid_t dom, u32 vcpus, const char **error)
{
	struct taking t = {.dom = dom, .saved = calloc(1, sizeof(*t.saved))};

	*error = t.saved ? take(&t, vcpus) : "dom0 has not enough memory left";
	free(t.frames);
	if (!*error)
		return t.saved;
	saved_free(t.saved);
	return NULL;
}

int saved_cancel(domid_t dom)
{
	static struct vcpu_guest_context context;
	int rc = domain_get_context(dom, 0, &context);

	context.regs.ax = 1;
	if (!rc)
		rc = domain_set_context(dom, 0, &context);
	return rc ? rc : domain_resume(dom);
}

void saved_free(struct saved *saved)
{
	if (!saved)
		return;
	for (pfn_t pfn = 0; saved->pages && pfn < saved->count; pfn++)
		if (saved->pages[pfn].data)
			pages_free(saved->pages[pfn].data, 1);
	for (u32 i = 0; i < LENGTH(saved->vcpus); i++)
		free(saved->vcpus[i]);
	if (saved->shared)
		pages_free(saved->shared, 1);
	free(saved->pages);
	free(saved);
}
