/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's screen: pixels, or the text mode of a VGA card. */
#ifndef SCREEN_DISPLAY_H
#define SCREEN_DISPLAY_H

#include "text.h"

/* Where pixels are. */
struct frame {
	u8 *pixels;
	u32 width, height;
	u32 pitch; /* bytes from line to line */
	u32 bytes; /* of a pixel: 2, 3 or 4 */
	u8 red_at, red_bits, green_at, green_bits, blue_at, blue_bits;
};

/* For drivers of cards: this is one that we have set to a mode. The first that is offered is used,
 * if the boot loader left none. */
void display_offer(const struct frame *frame);
bool display_wanted(void);

/* Begin with what there is. False: there is no screen. */
bool display_start(void);
/* NULL in text mode. */
const struct frame *display_frame(void);
u32 display_columns(void);
u32 display_rows(void);

/* A row of pixels 0x00RRGGBB that lies on the screen as a whole. */
void display_pixels(u32 x, u32 y, const u32 *pixels, u32 count);
/* A character at its place among columns and rows. */
void display_character(u32 column, u32 row, char c, bool cursor);

#endif
