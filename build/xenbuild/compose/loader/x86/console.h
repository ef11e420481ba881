/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LOADER_CONSOLE_H
#define LOADER_CONSOLE_H

#include "say.h"

/* Messages go to COM1 and, unless a graphics mode is set, to the VGA text screen. */
extern bool console_has_vga;

/* Prints "xenbuild: " once; the message follows by say(). */
void complain(void);
_Noreturn void stop(void);

#endif
