/* Messages on the serial port. Without one, nothing is said. */
#ifndef LOADER_ARM_CONSOLE_H
#define LOADER_ARM_CONSOLE_H

#include "uart.h"

void console_open(const struct uart *uart);
void say(const char *text);
void say_hex(u64 n);
void say_decimal(u32 n);

#endif
