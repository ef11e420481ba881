/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Framebuffers between domains: public/io/fbif.h. The front end draws in memory of its own, whose
 * frames it lists in pages, and says what it changed; the back end maps all of it.
 */
#ifndef DRIVERS_FBIF_H
#define DRIVERS_FBIF_H

#include "types.h"

#define FB_DIRECTORIES 256u /* pages of frame numbers, of the front end's unsigned long */
#define FB_OUT_AT      2048u
#define FB_OUT_ROOM    51u /* events that fit into 2048 bytes */
#define FB_EVENT_SIZE  40u

enum { FB_UPDATE = 2, FB_RESIZE = 3 };

struct fb_page {
	u32 in_cons, in_prod; /* of events that no front end is sent */
	u32 out_cons, out_prod;
	s32 width, height;
	u32 line_length, mem_length; /* bytes */
	u8 depth;                    /* bits */
	unsigned long pd[FB_DIRECTORIES];
};

struct fb_update {
	u8 type;
	s32 x, y, width, height;
};

#endif
