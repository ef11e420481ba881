/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paints its screen, and a square for each key that is pressed, whose number it says on its
 * console. The bars are red, green, blue and white, from the left.
 */
#include "base.h"
#include "event.h"
#include "fbfront.h"
#include "manage.h"
#include "xs.h"

#include <stdio.h>

#define WIDTH  640u
#define HEIGHT 480u
#define BARS   4u
#define SIDE   40u /* of a square */
#define YELLOW 0xffff00u

static struct fbfront *screen;
static u32 keys;

static void fill(u32 left, u32 top, u32 width, u32 height, u32 color)
{
	u32 *pixels = fbfront_pixels(screen);

	for (u32 y = top; y < top + height; y++)
		for (u32 x = left; x < left + width; x++)
			pixels[y * WIDTH + x] = color;
	fbfront_update(screen, left, top, width, height);
}

static void pressed(void *data, u32 keycode, bool down)
{
	u32 per_line = WIDTH / SIDE, at = keys % (per_line * (HEIGHT / SIDE));

	(void)data;
	if (!down)
		return;
	keys++;
	printf("paint: key %u is number %u\n", keycode, keys);
	fill(at % per_line * SIDE, at / per_line * SIDE, SIDE, SIDE, YELLOW);
}

enum shutdown_reason main(void)
{
	static const u32 colors[BARS] = {0xff0000, 0x00ff00, 0x0000ff, 0xffffff};

	xs_start_ring();
	manage_start();
	screen = fbfront_open("0", WIDTH, HEIGHT);
	if (!screen || !kbdfront_open("0", pressed, NULL))
		return SHUTDOWN_CRASH;
	for (u32 i = 0; i < BARS; i++)
		fill(i * WIDTH / BARS, 0, WIDTH / BARS, HEIGHT, colors[i]);
	printf("paint: a screen of %ux%u\n", WIDTH, HEIGHT);
	for (;;)
		loop(UINT64_MAX);
}
