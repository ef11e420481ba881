/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Back end of a screen. What the guest wrote is read once and judged; its pixels are mapped, and it
 * may go on changing them, but nothing else that we use.
 */
#include "fbback.h"

#include "event.h"
#include "fbif.h"
#include "pagetable.h"
#include "xenbus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES (16u << 20) /* of one screen: a quarter of the window (pagetable.h) */
#define MOST_SIDE  4096

struct fbback {
	struct xenbus bus;
	domid_t dom;
	volatile struct fb_page *page;
	void *pixels;
	unsigned long pages; /* of them */
	struct picture picture;
	port_t port;
	bool connected;
	void (*fn)(void *data, const struct area *area);
	void *data;
};

static void say(struct fbback *back, const struct area *area)
{
	if (back->fn)
		back->fn(back->data, area);
}

static void disconnect(void *data)
{
	struct fbback *back = data;

	if (back->connected) {
		back->connected = false;
		say(back, NULL);
		event_close(back->port);
	}
	if (back->pixels)
		unmap_foreign(back->pixels, back->pages);
	if (back->page)
		unmap_foreign((void *)(uintptr_t)back->page, 1);
	back->pixels = NULL;
	back->page = NULL;
}

/* The part of an update that lies in the picture; false if none does. */
static bool clip(const struct picture *picture, const struct fb_update *update, struct area *area)
{
	s64 left = update->x, top = update->y;
	s64 right = left + update->width, bottom = top + update->height;

	left = left < 0 ? 0 : left;
	top = top < 0 ? 0 : top;
	right = right > picture->width ? picture->width : right;
	bottom = bottom > picture->height ? picture->height : bottom;
	if (left >= right || top >= bottom)
		return false;
	*area = (struct area){(u32)left, (u32)top, (u32)(right - left), (u32)(bottom - top)};
	return true;
}

static void serve(void *data)
{
	struct fbback *back = data;
	u32 cons = back->page->out_cons, prod = back->page->out_prod;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (prod - cons >= FB_OUT_ROOM) { /* full: there may have been more */
		cons = prod;
		say(back, &(struct area){0, 0, back->picture.width, back->picture.height});
	}
	for (; cons != prod; cons++) {
		struct fb_update update;
		struct area area;

		memcpy(&update,
		       (char *)(uintptr_t)back->page + FB_OUT_AT +
			   cons % FB_OUT_ROOM * FB_EVENT_SIZE,
		       sizeof(update));
		if (update.type == FB_UPDATE && clip(&back->picture, &update, &area))
			say(back, &area);
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	back->page->out_cons = cons;
	event_send(back->port);
}

/* Number `n` of the guest's frame numbers in a page of them. */
static mfn_t frame_in(const void *list, u32 n, bool wide)
{
	return wide ? (mfn_t)((const u64 *)list)[n] : ((const u32 *)list)[n];
}

/* Map the pages that the directories list. */
static bool map_pixels(struct fbback *back, bool wide)
{
	u32 per_page = PAGE_SIZE / (wide ? 8 : 4), directory = 0;
	/* Behind `depth`, where the guest's unsigned long may begin. */
	u32 at = round_up(offsetof(struct fb_page, depth) + 1, wide ? 8 : 4);
	const void *directories = (const char *)(uintptr_t)back->page + at;
	void *list = NULL;
	bool ok = true;

	back->pixels = window_alloc(back->pages);
	if (!back->pixels)
		return false;
	for (unsigned long i = 0; ok && i < back->pages; i++) {
		mfn_t frame;

		if (i % per_page == 0) {
			if (list)
				unmap_foreign(list, 1);
			frame = frame_in(directories, directory++, wide);
			list = map_foreign(&frame, 1, back->dom, PTE_READONLY);
		}
		if (!list) {
			ok = false;
			break;
		}
		frame = frame_in(list, (u32)(i % per_page), wide);
		ok = !map_frames((char *)back->pixels + (i << PAGE_SHIFT), &frame, 1, back->dom,
				 PTE_READONLY);
	}
	if (list)
		unmap_foreign(list, 1);
	return ok;
}

/* What the guest says of its screen, if that can be. */
static bool read_page(struct fbback *back)
{
	s32 width = back->page->width, height = back->page->height;
	u32 pitch = back->page->line_length, bytes = back->page->mem_length;

	if (width < 1 || width > MOST_SIDE || height < 1 || height > MOST_SIDE ||
	    back->page->depth != 32 || pitch < (u32)width * 4 || pitch % 4 || bytes > MOST_BYTES ||
	    (u64)pitch * (u32)height > bytes)
		return false;
	back->pages = pages_for(bytes);
	back->picture =
	    (struct picture){.width = (u32)width, .height = (u32)height, .pitch = pitch};
	return true;
}

static bool open(struct fbback *back)
{
	mfn_t frame = xenbus_other_number(&back->bus, "page-ref", 0);
	port_t remote = (port_t)xenbus_other_number(&back->bus, "event-channel", 0);
	char protocol[16] = ABI_NAME;
	int port;

	xenbus_other_text(&back->bus, "protocol", protocol, sizeof(protocol));
	back->page = map_foreign(&frame, 1, back->dom, PTE_KERNEL);
	if (!back->page || !read_page(back) || !map_pixels(back, !strcmp(protocol, "x86_64-abi")))
		return false;
	port = event_interdomain(back->dom, remote);
	if (port < 0)
		return false;
	back->port = (port_t)port;
	return true;
}

static void connect(void *data)
{
	struct fbback *back = data;

	if (!open(back)) {
		disconnect(back);
		xenbus_switch(&back->bus, XENBUS_CLOSED);
		return;
	}
	back->picture.pixels = back->pixels;
	back->connected = true;
	event_handle(back->port, serve, back);
	xenbus_put(&back->bus, XS_NO_TX, "request-update", 1);
	xenbus_switch(&back->bus, XENBUS_CONNECTED);
	say(back, NULL);
}

static const struct xenbus_service service = {.connect = connect, .disconnect = disconnect};

struct fbback *fbback_add(domid_t dom, const char *id)
{
	struct fbback *back = calloc(1, sizeof(*back));

	if (!back || xenbus_back(&back->bus, "vfb", dom, id)) {
		free(back);
		return NULL;
	}
	back->dom = dom;
	xenbus_serve(&back->bus, &service, back);
	return back;
}

void fbback_remove(struct fbback *back)
{
	xenbus_forget(&back->bus);
	disconnect(back);
	free(back);
}

const struct picture *fbback_picture(const struct fbback *back)
{
	return back->connected ? &back->picture : NULL;
}

void fbback_watch(struct fbback *back, void (*fn)(void *data, const struct area *area), void *data)
{
	back->fn = fn;
	back->data = data;
}
