/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "console.h"

#define COM1        0x3f8 /* 16550: +1 interrupts, +3 line control, +5 line status */
#define VGA_TEXT    0xb8000
#define VGA_COLUMNS 80
#define VGA_ROWS    25

bool console_has_vga = true;

static bool serial_ready;
static bool serial_there;
static unsigned int vga_at;

static void out(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static u8 in(u16 port)
{
	u8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/* 115200 8n1, what Xen's and the recipes' command lines use. An absent port reads as all ones. */
static void serial_start(void)
{
	serial_ready = true;
	serial_there = in(COM1 + 5) != 0xff;
	if (!serial_there)
		return;
	out(COM1 + 1, 0);
	out(COM1 + 3, 0x80);
	out(COM1 + 0, 1);
	out(COM1 + 1, 0);
	out(COM1 + 3, 0x03);
	out(COM1 + 2, 0x07);
}

static void serial_put(char c)
{
	/* Bounded: a port that never drains must not keep the message from the screen. */
	for (unsigned int i = 0; i < 1000000 && !(in(COM1 + 5) & 0x20); i++)
		;
	out(COM1, (u8)c);
}

static void vga_put(char c)
{
	volatile u16 *screen = at(VGA_TEXT);

	if (c == '\n') {
		vga_at += VGA_COLUMNS - vga_at % VGA_COLUMNS;
		return;
	}
	screen[vga_at++ % (VGA_COLUMNS * VGA_ROWS)] = (u16)(0x0f00 | (u8)c);
}

void console_put(char c)
{
	if (!serial_ready)
		serial_start();
	if (serial_there && c == '\n')
		serial_put('\r');
	if (serial_there)
		serial_put(c);
	if (console_has_vga)
		vga_put(c);
}

void complain(void)
{
	say("\nxenbuild: ");
}

void stop(void)
{
	say("\nxenbuild: the machine is stopped; switch it off or reset it\n");
	for (;;)
		__asm__ volatile("cli; hlt");
}
