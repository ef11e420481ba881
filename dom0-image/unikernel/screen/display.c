/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "display.h"

#include "base.h"
#include "font.h"
#include "pagetable.h"
#include "port.h"

#include <string.h>

#define TEXT_AT    0xb8000u /* the memory of VGA's text modes */
#define CRTC       0x3d4u
#define CURSOR_LOW 0x0fu
#define INK        0x00c0c0c0u
#define PAPER      0x00000000u
#define TEXT_INK   0x07u /* the same in text mode */

static struct frame offered;
static const struct frame *frame; /* NULL: text mode, or nothing at all */
static volatile u16 *letters;     /* of the text mode */
static u32 columns, rows;

static const struct dom0_vga *vga(void)
{
	if (start_info->console.dom0.info_size < sizeof(struct dom0_vga))
		return NULL;
	return (const void *)((const char *)start_info + start_info->console.dom0.info_off);
}

static bool is_framebuffer(const struct dom0_vga *info)
{
	return info && (info->type == VGA_FRAMEBUFFER || info->type == VGA_FRAMEBUFFER_EFI);
}

/* What the boot loader left on, or NULL. */
static const struct frame *frame_of_loader(void)
{
	static struct frame made;
	const struct dom0_vga *info = vga();
	u64 address;

	if (!is_framebuffer(info))
		return NULL;
	address = (u64)info->u.lfb.base_high << 32 | info->u.lfb.base;
	made = (struct frame){
	    .width = info->u.lfb.width,
	    .height = info->u.lfb.height,
	    .pitch = info->u.lfb.bytes_per_line,
	    .bytes = (info->u.lfb.bits_per_pixel + 7u) / 8,
	    .red_at = info->u.lfb.red_at,
	    .red_bits = info->u.lfb.red_bits,
	    .green_at = info->u.lfb.green_at,
	    .green_bits = info->u.lfb.green_bits,
	    .blue_at = info->u.lfb.blue_at,
	    .blue_bits = info->u.lfb.blue_bits,
	};
	if (made.bytes < 2 || made.bytes > 4 || !made.width || !made.height)
		return NULL;
	made.pixels = map_device(address, (unsigned long)made.pitch * made.height);
	return made.pixels ? &made : NULL;
}

bool display_wanted(void)
{
	return !offered.pixels && !is_framebuffer(vga());
}

void display_offer(const struct frame *made)
{
	offered = *made;
}

static bool start_text(const struct dom0_vga *info)
{
	if (!info || info->type != VGA_TEXT || !info->u.text.columns || !info->u.text.rows)
		return false;
	columns = info->u.text.columns;
	rows = info->u.text.rows;
	letters = map_device(TEXT_AT, (unsigned long)columns * rows * 2);
	return letters;
}

bool display_start(void)
{
	frame = frame_of_loader();
	if (!frame && offered.pixels)
		frame = &offered;
	if (!frame)
		return start_text(vga());
	columns = frame->width / CELL_WIDTH;
	rows = frame->height / CELL_HEIGHT;
	for (u32 y = 0; y < frame->height; y++)
		memset(frame->pixels + (size_t)y * frame->pitch, 0,
		       (size_t)frame->width * frame->bytes);
	return columns && rows;
}

const struct frame *display_frame(void)
{
	return frame;
}

u32 display_columns(void)
{
	return columns;
}

u32 display_rows(void)
{
	return rows;
}

/* A pixel as the screen has it. */
static u32 in_colors(u32 pixel)
{
	u32 red = pixel >> 16 & 255, green = pixel >> 8 & 255, blue = pixel & 255;

	return red >> (8 - frame->red_bits) << frame->red_at |
	       green >> (8 - frame->green_bits) << frame->green_at |
	       blue >> (8 - frame->blue_bits) << frame->blue_at;
}

static bool is_plain(void)
{
	return frame->bytes == 4 && frame->red_at == 16 && frame->green_at == 8 &&
	       !frame->blue_at && frame->red_bits == 8;
}

void display_pixels(u32 x, u32 y, const u32 *pixels, u32 count)
{
	u8 *to = frame->pixels + (size_t)y * frame->pitch + (size_t)x * frame->bytes;

	if (is_plain()) {
		memcpy(to, pixels, (size_t)count * 4);
		return;
	}
	for (u32 i = 0; i < count; i++) {
		u32 pixel = in_colors(pixels[i]);

		for (u32 byte = 0; byte < frame->bytes; byte++)
			*to++ = (u8)(pixel >> byte * 8);
	}
}

static void move_cursor(u32 at)
{
	out8(CRTC, CURSOR_LOW);
	out8(CRTC + 1, (u8)at);
	out8(CRTC, CURSOR_LOW - 1);
	out8(CRTC + 1, (u8)(at >> 8));
}

void display_character(u32 column, u32 row, char c, bool cursor)
{
	u32 line[CELL_WIDTH];

	if (!frame) {
		letters[row * columns + column] = (u16)(TEXT_INK << 8 | (u8)c);
		if (cursor)
			move_cursor(row * columns + column);
		return;
	}
	for (u32 y = 0; y < CELL_HEIGHT; y++) {
		u8 bits = cursor && y >= CELL_HEIGHT - 2 ? 0xff : font_line(c, y);

		for (u32 x = 0; x < CELL_WIDTH; x++)
			line[x] = bits >> (7 - x) & 1 ? INK : PAPER;
		display_pixels(column * CELL_WIDTH, row * CELL_HEIGHT + y, line, CELL_WIDTH);
	}
}
