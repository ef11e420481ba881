/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's screen and keyboard. */
#ifndef DRIVERS_FBFRONT_H
#define DRIVERS_FBFRONT_H

#include "types.h"

struct fbfront;

/* The screen "device/vfb/ID", connected, of black pixels; NULL with a message if that failed. */
struct fbfront *fbfront_open(const char *id, u32 width, u32 height);
/* Its pixels, 0x00RRGGBB, line by line without gaps. */
u32 *fbfront_pixels(struct fbfront *front);
/* Show what was drawn into a part of it. */
void fbfront_update(struct fbfront *front, u32 x, u32 y, u32 width, u32 height);

struct kbdfront;

/* The keyboard "device/vkbd/ID", which calls `fn` for each key; NULL with a message if that failed.
 */
struct kbdfront *kbdfront_open(const char *id, void (*fn)(void *data, u32 keycode, bool pressed),
			       void *data);

#endif
