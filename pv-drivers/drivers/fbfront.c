/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Front end of a screen. */
#include "fbfront.h"

#include "event.h"
#include "fbif.h"
#include "memory.h"
#include "xenbus.h"

#include <stdio.h>
#include <stdlib.h>

#define FRAMES_A_PAGE (PAGE_SIZE / sizeof(unsigned long))

struct fbfront {
	struct xenbus bus;
	struct fb_page *page;
	u32 *pixels;
	unsigned long count; /* of their pages */
	unsigned long *lists[FB_DIRECTORIES];
	port_t port;
};

static void ignore(void *data)
{
	(void)data; /* no event tells a front end anything that it needs */
}

/* List the frames of the pixels in pages, and those in the one that is shared. */
static void list_frames(struct fbfront *front)
{
	for (unsigned long i = 0; i < front->count; i++) {
		unsigned long *list = front->lists[i / FRAMES_A_PAGE];

		list[i % FRAMES_A_PAGE] = frame_of(page_of(front->pixels) + i);
		front->page->pd[i / FRAMES_A_PAGE] = frame_of(page_of(list));
	}
}

static bool make(struct fbfront *front, u32 width, u32 height)
{
	unsigned long lists;

	front->count = pages_for((unsigned long)width * height * 4);
	lists = (front->count + FRAMES_A_PAGE - 1) / FRAMES_A_PAGE;
	front->page = pages_alloc(1);
	front->pixels = pages_alloc(front->count);
	if (!front->page || !front->pixels || lists > FB_DIRECTORIES)
		return false;
	while (lists)
		if (!(front->lists[--lists] = pages_alloc(1)))
			return false;
	front->page->width = (s32)width;
	front->page->height = (s32)height;
	front->page->line_length = width * 4;
	front->page->mem_length = width * height * 4;
	front->page->depth = 32;
	return true;
}

static int tell(struct fbfront *front)
{
	for (;;) {
		int tx = xs_begin(), rc;

		if (tx < 0)
			return tx;
		xenbus_put(&front->bus, (u32)tx, "page-ref", frame_of(page_of(front->page)));
		xenbus_put(&front->bus, (u32)tx, "event-channel", front->port);
		xenbus_put_text(&front->bus, (u32)tx, "protocol", ABI_NAME);
		xenbus_put(&front->bus, (u32)tx, "feature-update", 1);
		rc = xs_end((u32)tx, true);
		if (rc != -XS_EAGAIN)
			return rc;
	}
}

/* The first time, and in every domain after that, where the pixels lie in other frames. */
static bool connect(void *data)
{
	struct fbfront *front = data;
	int port;

	list_frames(front);
	if (!xenbus_wait(&front->bus, XENBUS_INIT_WAIT, 30 * SECOND))
		return false;
	port = event_unbound(front->bus.other_id);
	if (port < 0)
		return false;
	front->port = (port_t)port;
	event_handle(front->port, ignore, NULL);
	if (tell(front) || xenbus_switch(&front->bus, XENBUS_INITIALISED) ||
	    !xenbus_wait(&front->bus, XENBUS_CONNECTED, 30 * SECOND))
		return false;
	return !xenbus_switch(&front->bus, XENBUS_CONNECTED);
}

struct fbfront *fbfront_open(const char *id, u32 width, u32 height)
{
	struct fbfront *front = calloc(1, sizeof(*front));

	if (!front || !make(front, width, height) ||
	    !xenbus_open(&front->bus, "vfb", id, connect, front)) {
		printf("fbfront: %s cannot be connected\n", id);
		return NULL;
	}
	return front;
}

u32 *fbfront_pixels(struct fbfront *front)
{
	return front->pixels;
}

void fbfront_update(struct fbfront *front, u32 x, u32 y, u32 width, u32 height)
{
	volatile struct fb_page *page = front->page;
	struct fb_update update = {FB_UPDATE, (s32)x, (s32)y, (s32)width, (s32)height};
	u32 prod = page->out_prod;

	/* A back end that is behind looks at everything anyhow. */
	if (prod - page->out_cons >= FB_OUT_ROOM) {
		event_send(front->port);
		return;
	}
	*(struct fb_update *)((char *)front->page + FB_OUT_AT +
			      prod % FB_OUT_ROOM * FB_EVENT_SIZE) = update;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	page->out_prod = prod + 1;
	event_send(front->port);
}
