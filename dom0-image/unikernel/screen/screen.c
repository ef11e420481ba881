/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text is drawn some time after it was written, and only where it differs from what is there: a
 * screen full of lines costs no more than the last one.
 */
#include "screen.h"

#include "console.h"
#include "display.h"
#include "event.h"
#include "keyboard.h"
#include "keys.h"
#include "memory.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOON  (40 * MILLISECOND)
#define EARLY 4096u

static char early[EARLY]; /* what is written before there is a screen */
static size_t early_size;
static struct text text;
static char *shown; /* the cells as they are on the screen; 0: nobody knows */
static u32 cursor;  /* the cell that it is drawn in */
static struct timer draw_timer;
static void (*type_in_shell)(char c);
static struct key_state keys;
static bool held[KEYS];      /* which the guest knows */
static struct fbback *guest; /* NULL: the text is shown */
static struct kbdback *guest_keys;

static void draw(void *data)
{
	u32 size = text.columns * text.rows;
	u32 at = text.y * text.columns + (text.x < text.columns ? text.x : text.columns - 1);

	(void)data;
	if (guest)
		return;
	shown[cursor] = 0;
	cursor = at;
	shown[cursor] = 0;
	for (u32 i = 0; i < size; i++) {
		if (shown[i] == text.cells[i])
			continue;
		shown[i] = text.cells[i];
		display_character(i % text.columns, i / text.columns, text.cells[i], i == cursor);
	}
}

static void draw_soon(void)
{
	if (!draw_timer.armed)
		timer_set(&draw_timer, now() + SOON);
}

static void written(const char *from, size_t size)
{
	if (text.cells) {
		text_write(&text, from, size);
		draw_soon();
	} else if (size <= EARLY - early_size) {
		memcpy(early + early_size, from, size);
		early_size += size;
	}
}

/* Copy a part of the guest's picture to the screen's corner, as much as there is room for. */
static void copy(const struct picture *picture, const struct area *area)
{
	const struct frame *frame = display_frame();
	u32 right = area->x + area->width, bottom = area->y + area->height;

	right = right < frame->width ? right : frame->width;
	bottom = bottom < frame->height ? bottom : frame->height;
	for (u32 y = area->y; area->x < right && y < bottom; y++)
		display_pixels(
		    area->x, y,
		    (const u32 *)(const void *)(picture->pixels + (size_t)y * picture->pitch) +
			area->x,
		    right - area->x);
}

static void blank(void)
{
	const struct frame *frame = display_frame();
	static const u32 black[64];

	for (u32 y = 0; y < frame->height; y++)
		for (u32 x = 0; x < frame->width; x += 64)
			display_pixels(x, y, black, frame->width - x < 64 ? frame->width - x : 64);
}

static void changed(void *data, const struct area *area)
{
	const struct picture *picture = fbback_picture(guest);

	(void)data;
	if (area) {
		copy(picture, area);
		return;
	}
	blank();
	if (picture)
		copy(picture, &(struct area){0, 0, picture->width, picture->height});
}

const char *screen_show(struct fbback *fb, struct kbdback *kbd)
{
	if (!text.cells || !display_frame())
		return "the machine has no screen for pictures";
	screen_show_text();
	guest = fb;
	guest_keys = kbd;
	fbback_watch(fb, changed, NULL);
	changed(NULL, NULL);
	return NULL;
}

/* The guest would take what is still held for pressed for ever. */
static void release_keys(void)
{
	for (u32 keycode = 0; keycode < KEYS; keycode++)
		if (held[keycode])
			kbdback_key(guest_keys, keycode, false);
	memset(held, 0, sizeof(held));
}

void screen_show_text(void)
{
	if (!guest)
		return;
	release_keys();
	fbback_watch(guest, NULL, NULL);
	guest = NULL;
	blank();
	memset(shown, ' ', (size_t)text.columns * text.rows);
	draw_soon();
}

void screen_leave(const struct fbback *fb)
{
	if (guest == fb)
		screen_show_text();
}

static void key(u32 keycode, bool pressed)
{
	char c = key_type(&keys, keycode, pressed);

	if (guest && keys.ctrl && keycode == KEY_BRACE_RIGHT) {
		if (pressed)
			screen_show_text();
	} else if (guest && keycode < KEYS) {
		held[keycode] = pressed;
		kbdback_key(guest_keys, keycode, pressed);
	} else if (c) {
		type_in_shell(c);
	}
}

void screen_begin(void)
{
	console_copy_to(written);
}

void screen_start(void (*type)(char c))
{
	u32 columns, rows;
	char *cells;

	type_in_shell = type;
	if (keyboard_start(key))
		printf("dom0: a keyboard\n");
	if (!display_start())
		return;
	columns = display_columns();
	rows = display_rows();
	cells = malloc((size_t)columns * rows);
	shown = calloc(columns, rows);
	if (!cells || !shown)
		return;
	draw_timer.fn = draw;
	text_start(&text, columns, rows, cells);
	written(early, early_size);
	printf("dom0: a screen of %u columns and %u rows\n", columns, rows);
}
