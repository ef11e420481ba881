/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's screen and keyboard: a second console of dom0's, or a guest's. */
#ifndef SCREEN_SCREEN_H
#define SCREEN_SCREEN_H

#include "fbback.h"

/* From now on keep what is printed. */
void screen_begin(void);
/* Show it, and type what is typed. The cards' drivers have looked already. */
void screen_start(void (*type)(char c));

/* Show a guest and give it the keys, until Ctrl-]. NULL, or why not. */
const char *screen_show(struct fbback *fb, struct kbdback *kbd);
/* dom0's text again: at all, or if it is this guest that is shown. */
void screen_show_text(void);
void screen_leave(const struct fbback *fb);

#endif
