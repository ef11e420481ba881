/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef XENBUILD_CONSOLE_H
#define XENBUILD_CONSOLE_H

#include "types.h"

/* Messages go to COM1 and, unless a graphics mode is set, to the VGA text screen. */
extern bool console_has_vga;

void print(const char *s);
void print_hex(uint64_t value);

/* Prints "xenbuild: " once; the message follows by print(). */
void complain(void);
_Noreturn void stop(void);

#endif
