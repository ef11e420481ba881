/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages on the serial port. Without one, nothing is said. */
#ifndef LOADER_CONSOLE_H
#define LOADER_CONSOLE_H

#include "say.h"
#include "uart.h"

void console_open(const struct uart *uart);
void say_decimal(u32 n);

#endif
