/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "console.h"

/* Polls of a transmitter before it is taken for dead: a silent boot is better than none. */
#define PATIENCE 1000000u

enum { PL011_DATA = 0x00, PL011_FLAGS = 0x18, PL011_TX_FULL = 0x20 };
enum { NS8250_DATA = 0, NS8250_LINE_STATUS = 5, NS8250_TX_EMPTY = 0x20 };

static struct uart console;

static u32 read_register(u32 offset, u32 width)
{
	uintptr_t address = (uintptr_t)console.address + offset;

	return width == 1 ? *(volatile u8 *)address : *(volatile u32 *)address;
}

static void write_register(u32 offset, u32 width, u32 value)
{
	uintptr_t address = (uintptr_t)console.address + offset;

	if (width == 1)
		*(volatile u8 *)address = (u8)value;
	else
		*(volatile u32 *)address = value;
}

static bool may_send(void)
{
	if (console.kind == UART_PL011)
		return !(read_register(PL011_FLAGS, 4) & PL011_TX_FULL);
	return read_register(NS8250_LINE_STATUS << console.shift, console.width) & NS8250_TX_EMPTY;
}

static void send(char c)
{
	u32 polls = PATIENCE;

	if (console.kind == UART_NONE)
		return;
	while (!may_send())
		if (!--polls) {
			console.kind = UART_NONE;
			return;
		}
	if (console.kind == UART_PL011)
		write_register(PL011_DATA, 4, (u8)c);
	else
		write_register(NS8250_DATA << console.shift, console.width, (u8)c);
}

void console_open(const struct uart *uart)
{
	console = *uart;
}

void console_put(char c)
{
	if (c == '\n')
		send('\r');
	send(c);
}

void say_decimal(u32 n)
{
	char digits[11];
	u32 at = sizeof(digits);

	digits[--at] = 0;
	do {
		digits[--at] = '0' + n % 10;
		n /= 10;
	} while (n);
	say(digits + at);
}
