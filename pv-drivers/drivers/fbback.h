/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Back ends of a guest's screen and keyboard. */
#ifndef DRIVERS_FBBACK_H
#define DRIVERS_FBBACK_H

#include "xen.h"

/* What a guest shows: pixels 0x00RRGGBB, which it may change at any time. */
struct picture {
	u32 width, height;
	u32 pitch; /* bytes from line to line */
	const u8 *pixels;
};

/* A part of it. */
struct area {
	u32 x, y, width, height;
};

struct fbback;
struct kbdback;

/* For the device `id` of a domain; NULL if there is no memory. */
struct fbback *fbback_add(domid_t dom, const char *id);
void fbback_remove(struct fbback *back);
/* NULL: the guest shows nothing now. It is gone after fbback_remove() and when `fn` says so. */
const struct picture *fbback_picture(const struct fbback *back);
/* Call `fn` for each part that changed, and with NULL when the picture came or went. */
void fbback_watch(struct fbback *back, void (*fn)(void *data, const struct area *area), void *data);

struct kbdback *kbdback_add(domid_t dom, const char *id);
void kbdback_remove(struct kbdback *back);
/* Tell the guest of a key (KEY_... of Linux's input-event-codes.h); lost if it does not listen. */
void kbdback_key(struct kbdback *back, u32 keycode, bool pressed);

#endif
