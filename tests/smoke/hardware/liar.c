/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest whose screen is not as it says: each way must be refused, or harm nobody, and at last an
 * honest one is shown.
 */
#include "base.h"
#include "event.h"
#include "fbif.h"
#include "memory.h"
#include "xenbus.h"

#include <stdio.h>

#define WIDTH  320u
#define HEIGHT 200u
#define BYTES  (WIDTH * HEIGHT * 4)
#define COLOR  0x8040c0u

static struct xenbus bus;
static struct fb_page *page;
static unsigned long *list;
static u32 *pixels;
static int port;

static void ignore(void *data)
{
	(void)data;
}

static void honest(void)
{
	page->width = WIDTH;
	page->height = HEIGHT;
	page->line_length = WIDTH * 4;
	page->mem_length = BYTES;
	page->depth = 32;
	page->out_cons = page->out_prod = 0;
	page->pd[0] = frame_of(page_of(list));
	for (u32 i = 0; i < pages_for(BYTES); i++)
		list[i] = frame_of(page_of(pixels) + i);
}

/* Offer the screen anew. What the back end becomes: connected, or closed if it refuses. */
static enum xenbus_state offer(mfn_t frame, u32 channel)
{
	u64 until = now() + 30 * SECOND;
	enum xenbus_state state;

	xenbus_switch(&bus, XENBUS_INITIALISING);
	while (xenbus_other_state(&bus) != XENBUS_INIT_WAIT && now() < until)
		loop(now() + MILLISECOND);
	xenbus_put(&bus, XS_NO_TX, "page-ref", frame);
	xenbus_put(&bus, XS_NO_TX, "event-channel", channel);
	xenbus_put_text(&bus, XS_NO_TX, "protocol", ABI_NAME);
	xenbus_switch(&bus, XENBUS_INITIALISED);
	do {
		loop(now() + MILLISECOND);
		state = xenbus_other_state(&bus);
	} while (state < XENBUS_CONNECTED && now() < until);
	return state;
}

static void close(void)
{
	xenbus_switch(&bus, XENBUS_CLOSED);
	event_close((port_t)port);
	port = event_unbound(bus.other_id);
	event_handle((port_t)port, ignore, NULL);
}

static u32 lies, believed;

static void lie(const char *what, mfn_t frame, u32 channel)
{
	enum xenbus_state state = offer(frame, channel);

	lies++;
	if (state == XENBUS_CLOSED)
		return;
	believed++;
	printf("liar: %s: the back end is in state %d\n", what, (int)state);
	close();
}

static void try_lies(mfn_t own)
{
	static const struct {
		const char *what;
		s32 width, height;
		u32 line, bytes;
		u8 depth;
	} sizes[] = {
	    {"no width", 0, HEIGHT, WIDTH * 4, BYTES, 32},
	    {"a negative height", WIDTH, -1, WIDTH * 4, BYTES, 32},
	    {"lines shorter than their pixels", WIDTH, HEIGHT, WIDTH * 4 - 4, BYTES, 32},
	    {"lines at odd places", WIDTH, HEIGHT, WIDTH * 4 + 2, BYTES * 2, 32},
	    {"more lines than memory", WIDTH, HEIGHT + 1, WIDTH * 4, BYTES, 32},
	    {"lines that are long beyond 4 GiB", 4, 4, 0x40000004u, 64, 32},
	    {"memory without end", WIDTH, HEIGHT, WIDTH * 4, 0xfffff000u, 32},
	    {"sides without end", 0x7fffffff, 0x7fffffff, 0xfffffffcu, BYTES, 32},
	    {"another depth", WIDTH, HEIGHT, WIDTH * 4, BYTES, 24},
	};

	honest();
	lie("a page that is not there", ~0ul >> PAGE_SHIFT, (u32)port);
	lie("the first page of the machine", 0, (u32)port);
	lie("no event channel", own, 999);
	for (u32 i = 0; i < LENGTH(sizes); i++) {
		honest();
		page->width = sizes[i].width;
		page->height = sizes[i].height;
		page->line_length = sizes[i].line;
		page->mem_length = sizes[i].bytes;
		page->depth = sizes[i].depth;
		lie(sizes[i].what, own, (u32)port);
	}
	honest();
	page->pd[0] = 1;
	lie("a directory of the firmware's", own, (u32)port);
	honest();
	list[3] = ~0ul >> PAGE_SHIFT;
	lie("a pixel's page that is not there", own, (u32)port);
	honest();
	list[7] = 0xb8;
	lie("the VGA's memory", own, (u32)port);
}

static void update(s32 x, s32 y, s32 width, s32 height)
{
	*(struct fb_update *)((char *)page + FB_OUT_AT +
			      page->out_prod++ % FB_OUT_ROOM * FB_EVENT_SIZE) =
	    (struct fb_update){FB_UPDATE, x, y, width, height};
	event_send((port_t)port);
	loop(now() + MILLISECOND);
}

/* What a connected front end may say and must not do. */
static void misbehave(void)
{
	const s32 most = 0x7fffffff, least = -most - 1;

	update(least, least, most, most);
	update(most, most, most, most);
	update(-5, -5, 10, 10);
	update(0, 0, -1, -1);
	update(WIDTH - 1, HEIGHT - 1, most, most);
	page->width = page->height = most; /* too late */
	page->line_length = 1;
	update(0, 0, most, most);
	page->out_prod += 1000000;
	event_send((port_t)port);
	loop(now() + 50 * MILLISECOND);
	page->out_prod = page->out_cons;
}

/* It has only a port: what it offers comes later. */
static bool reach(void *data)
{
	(void)data;
	port = event_unbound(bus.other_id);
	if (port >= 0)
		event_handle((port_t)port, ignore, NULL);
	return port >= 0;
}

enum shutdown_reason main(void)
{
	mfn_t own;

	xs_start_ring();
	page = pages_alloc(1);
	list = pages_alloc(1);
	pixels = pages_alloc(pages_for(BYTES));
	if (!page || !list || !pixels || !xenbus_open(&bus, "vfb", "0", reach, NULL))
		return SHUTDOWN_CRASH;
	own = frame_of(page_of(page));
	try_lies(own);
	printf("liar: %u lies, %u believed\n", lies, believed);
	for (u32 i = 0; i < WIDTH * HEIGHT; i++)
		pixels[i] = COLOR;
	honest();
	if (offer(own, (u32)port) != XENBUS_CONNECTED)
		return SHUTDOWN_CRASH;
	printf("liar: connected\n");
	for (;;) {
		misbehave();
		sleep_until(now() + SECOND);
	}
}
