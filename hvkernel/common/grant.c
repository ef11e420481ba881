/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Grant tables, version 1: what a domain lets another one reach. */
#include "asm/machphys.h"
#include "cpus.h"
#include "errno.h"
#include "frame.h"
#include "grant.h"
#include "guest.h"
#include "lib.h"
#include "pagetype.h"

static struct grant_entry *entry_of(struct grant_table *t, u32 ref)
{
	return &t->shared[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
}

static struct grant_active *active_of(struct grant_table *t, u32 ref)
{
	return &t->active[ref / ACTIVE_PER_PAGE][ref % ACTIVE_PER_PAGE];
}

int grants_grow(struct domain *d, unsigned int frames)
{
	struct grant_table *t = d->grants;

	if (frames > t->max_frames)
		return -ENOSPC;
	while (t->frames < frames) {
		unsigned int last = (t->frames + 1) * GRANTS_PER_FRAME - 1;

		for (unsigned int i = 0; i <= last / ACTIVE_PER_PAGE; i++) {
			if (!t->active[i])
				t->active[i] = domain_hv_alloc(d, 0);
			if (!t->active[i])
				return -ENOMEM;
		}
		t->shared[t->frames] = domain_shared_alloc(d);
		if (!t->shared[t->frames])
			return -ENOMEM;
		t->frames++;
	}
	return 0;
}

int grants_create(struct domain *d)
{
	d->grants = domain_hv_alloc(d, 0);
	if (!d->grants)
		return -ENOMEM;
	d->grants->max_frames = GRANT_FRAMES_MAX;
	return grants_grow(d, 1);
}

void grants_free(struct domain *d)
{
	struct grant_table *t = d->grants;

	if (!t)
		return;
	for (unsigned int i = 0; i < t->frames; i++)
		page_give_up(page_of(direct_frame(t->shared[i])));
	for (unsigned int i = 0; i < ARRAY_SIZE(t->active); i++)
		if (t->active[i])
			domain_hv_free(d, t->active[i], 0);
	for (unsigned int i = 0; i < t->maptrack_frames; i++)
		domain_hv_free(d, t->maptrack[i], 0);
	domain_hv_free(d, t, 0);
	d->grants = NULL;
}

/*
 * The entry's flags and domain are one word that the guest may change at any time: it is read once,
 * and the marks "in use" are set by compare-and-exchange on just what was judged.
 */
static int mark_in_use(struct grant_entry *e, const struct domain *to, bool write)
{
	u32 *word = (u32 *)(void *)e;
	u32 seen = __atomic_load_n(word, __ATOMIC_RELAXED);

	for (;;) {
		u16 flags = (u16)seen;
		u32 marked = seen | GTF_reading | (write ? GTF_writing : 0);

		if ((flags & GTF_type_mask) != GTF_permit_access || flags & GTF_sub_page ||
		    (domid_t)(seen >> 16) != to->id)
			return GNTST_bad_gntref;
		if (write && flags & GTF_readonly)
			return GNTST_permission_denied;
		if (__atomic_compare_exchange_n(word, &seen, marked, false, __ATOMIC_SEQ_CST,
						__ATOMIC_RELAXED))
			return GNTST_okay;
	}
}

static void clear_in_use(struct grant_entry *e, const struct grant_active *a)
{
	u16 clear = 0;

	if (!a->writers)
		clear |= GTF_writing;
	if (!a->writers && !a->readers)
		clear |= GTF_reading;
	__atomic_fetch_and(&e->flags, (u16)~clear, __ATOMIC_SEQ_CST);
}

static int hold_page(struct domain *d, mfn_t mfn, bool write, struct page **out)
{
	struct page *page = page_of(mfn);

	if (!page || !page_get(page, d))
		return GNTST_bad_page;
	if (write && page_get_type(page, PT_WRITABLE)) {
		page_put(page);
		return GNTST_bad_page;
	}
	*out = page;
	return GNTST_okay;
}

int grant_acquire(struct domain *d, u32 ref, const struct domain *to, bool write,
		  struct page **page)
{
	struct grant_table *t = d->grants;
	struct grant_entry *e;
	struct grant_active *a;
	int status;
	bool idle;

	if (!t || d->dying)
		return GNTST_bad_domain;
	if (ref >= t->frames * GRANTS_PER_FRAME)
		return GNTST_bad_gntref;
	e = entry_of(t, ref);
	a = active_of(t, ref);
	idle = !a->readers && !a->writers;
	if ((!idle && a->domid != to->id) || a->readers == 0xffff || a->writers == 0xffff)
		return GNTST_bad_gntref;
	status = mark_in_use(e, to, write);
	if (status)
		return status;
	/* While it is in use, the frame is the one of the first use, whatever the guest writes. */
	if (idle)
		a->mfn = __atomic_load_n(&e->frame, __ATOMIC_RELAXED);
	status = hold_page(d, a->mfn, write, page);
	if (status) {
		clear_in_use(e, a);
		return status;
	}
	a->domid = to->id;
	if (write)
		a->writers++;
	else
		a->readers++;
	return GNTST_okay;
}

void grant_release(struct domain *d, u32 ref, bool write, struct page *page)
{
	struct grant_active *a;

	if (d->grants) { /* else it is dead already */
		a = active_of(d->grants, ref);
		if (write)
			a->writers--;
		else
			a->readers--;
		clear_in_use(entry_of(d->grants, ref), a);
	}
	if (write)
		page_put_type(page);
	page_put(page);
}

/* One side of a copy: a grant of another domain, or a frame of the caller's own. */
struct side {
	struct domain *d;
	struct page *page;
	u32 ref;
	bool is_ref, write;
};

static int side_open(struct side *s, const struct grant_copy_end *end, bool is_ref, bool write)
{
	struct domain *self = current->domain;

	s->is_ref = is_ref;
	s->write = write;
	s->ref = end->u.ref;
	s->d = end->domid == DOMID_SELF ? self : domain_by_id(end->domid);
	if (!s->d)
		return GNTST_bad_domain;
	if (is_ref)
		return grant_acquire(s->d, s->ref, self, write, &s->page);
	if (s->d != self)
		return GNTST_permission_denied;
	return hold_page(self, end->u.gmfn, write, &s->page);
}

static void side_close(struct side *s)
{
	if (s->is_ref) {
		grant_release(s->d, s->ref, s->write, s->page);
		return;
	}
	if (s->write)
		page_put_type(s->page);
	page_put(s->page);
}

void grant_copy_one(struct grant_copy *op)
{
	struct side from, to;
	u8 *source, *dest;

	if (op->source.offset + op->len > PAGE_SIZE || op->dest.offset + op->len > PAGE_SIZE) {
		op->status = GNTST_bad_copy_arg;
		return;
	}
	op->status = (s16)side_open(&from, &op->source, op->flags & GNTCOPY_source_gref, false);
	if (op->status)
		return;
	op->status = (s16)side_open(&to, &op->dest, op->flags & GNTCOPY_dest_gref, true);
	if (!op->status) {
		source = map_frame(mfn_of(from.page));
		dest = map_frame(mfn_of(to.page));
		memcpy(dest + op->dest.offset, source + op->source.offset, op->len);
		unmap_frame(dest);
		unmap_frame(source);
		side_close(&to);
	}
	side_close(&from);
}
