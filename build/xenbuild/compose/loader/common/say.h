/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages on the console, which is the architecture's business. */
#ifndef LOADER_SAY_H
#define LOADER_SAY_H

#include "types.h"

void say(const char *text);
void say_hex(u64 n);

/* In console.c of each architecture. Lines end by '\n'. */
void console_put(char c);

#endif
