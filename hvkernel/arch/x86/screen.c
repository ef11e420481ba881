/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen as the boot loader left it, for dom0 (public/xen.h, dom0_vga_console_info): a
 * framebuffer, or the text mode of a BIOS. */
#include "asm/boot.h"
#include "asm/machphys.h"
#include "hypercall.h"
#include "lib.h"

/* What a BIOS keeps in its data area about the text mode. */
enum { BDA_MODE = 0x449, BDA_COLUMNS = 0x44a, BDA_CURSOR = 0x450, BDA_LAST_ROW = 0x484 };
enum { BDA_FONT = 0x485, COLOR_80 = 3 };

static u8 bda(ulong at)
{
	return *(const volatile u8 *)(DIRECT_BASE + at);
}

static size_t framebuffer(struct dom0_vga_console_info *info)
{
	const struct screen *s = &boot.screen;
	u64 size = (u64)s->pitch * s->height;

	if (s->type != SCREEN_RGB)
		return 0;
	info->video_type = VGATYPE_VESA_LFB;
	info->u.vesa_lfb.width = (u16)s->width;
	info->u.vesa_lfb.height = (u16)s->height;
	info->u.vesa_lfb.bytes_per_line = (u16)s->pitch;
	info->u.vesa_lfb.bits_per_pixel = s->bits;
	info->u.vesa_lfb.lfb_base = (u32)s->address;
	info->u.vesa_lfb.ext_lfb_base = (u32)(s->address >> 32);
	info->u.vesa_lfb.lfb_size = (u32)(ROUND_UP(size, 65536) >> 16);
	memcpy(&info->u.vesa_lfb.red_pos, s->colors, sizeof(s->colors));
	return sizeof(*info);
}

size_t arch_screen(struct dom0_vga_console_info *info)
{
	memset(info, 0, sizeof(*info));
	if (boot.has_screen && boot.screen.type != SCREEN_TEXT)
		return framebuffer(info);
	if (bda(BDA_MODE) != COLOR_80)
		return 0; /* no BIOS was there, or it left another mode */
	info->video_type = VGATYPE_TEXT_MODE_3;
	info->u.text_mode_3.font_height = bda(BDA_FONT);
	info->u.text_mode_3.cursor_x = bda(BDA_CURSOR);
	info->u.text_mode_3.cursor_y = bda(BDA_CURSOR + 1);
	info->u.text_mode_3.columns = bda(BDA_COLUMNS);
	info->u.text_mode_3.rows = (u16)(bda(BDA_LAST_ROW) + 1);
	return sizeof(*info);
}
