/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HARDWARE_KEYBOARD_H
#define HARDWARE_KEYBOARD_H

#include "types.h"

/* Call `fn` for each key of a PS/2 keyboard (KEY_... of Linux's input-event-codes.h). False: there
 * is none. */
bool keyboard_start(void (*fn)(u32 keycode, bool pressed));

#endif
