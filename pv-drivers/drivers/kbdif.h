/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keyboards between domains: public/io/kbdif.h. A page with a ring of events for the front end. */
#ifndef DRIVERS_KBDIF_H
#define DRIVERS_KBDIF_H

#include "types.h"

#define KBD_IN_AT      1024u
#define KBD_IN_ROOM    51u /* events that fit into 2048 bytes */
#define KBD_EVENT_SIZE 40u

enum { KBD_KEY = 3 };

struct kbd_page {
	u32 in_cons, in_prod;
	u32 out_cons, out_prod; /* of events that nobody has defined */
};

struct kbd_key {
	u8 type, pressed;
	u32 keycode; /* KEY_... of Linux's input-event-codes.h */
};

#endif
