/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys by the numbers that Linux and PV keyboards give them (input-event-codes.h). */
#ifndef SCREEN_KEYS_H
#define SCREEN_KEYS_H

#include "types.h"

enum {
	KEY_BRACE_RIGHT = 27,
	KEY_CTRL_LEFT = 29,
	KEY_SHIFT_LEFT = 42,
	KEY_SHIFT_RIGHT = 54,
	KEY_CAPS_LOCK = 58,
	KEY_CTRL_RIGHT = 97,
	KEYS = 128
};

/* How far a code of several bytes has come. */
struct key_reader {
	bool extended;
	u32 skip;
};

/* Take a byte of scan code set 1. The key that is complete with it, or 0. */
u32 key_read(struct key_reader *reader, u8 byte, bool *pressed);

/* What is held down, and what a key types with it on a keyboard of the USA. */
struct key_state {
	bool shift, ctrl, caps;
};

/* 0: nothing. */
char key_type(struct key_state *state, u32 keycode, bool pressed);

#endif
