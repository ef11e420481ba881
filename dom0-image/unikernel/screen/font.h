/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The letters of the screen: 5 pixels by 8, the leftmost in bit 4. Drawn into cells of 8 by 16,
 * each row twice and each pixel two wide, they are as heavy as a text mode's.
 */
#ifndef SCREEN_FONT_H
#define SCREEN_FONT_H

#include "types.h"

#define FONT_FIRST  ' '
#define FONT_LAST   '~'
#define FONT_ROWS   8u
#define CELL_WIDTH  8u
#define CELL_HEIGHT 16u

extern const u8 font[FONT_LAST - FONT_FIRST + 1][FONT_ROWS];

/* One of the 16 lines of a character's cell, the leftmost pixel in bit 7. What has no glyph is a
 * box. */
static inline u8 font_line(char c, u32 line)
{
	u8 row = c >= FONT_FIRST && c <= FONT_LAST ? font[c - FONT_FIRST][line / 2] : 0x1f;

	row = (u8)(row << 2);
	return row | row >> 1;
}

#endif
