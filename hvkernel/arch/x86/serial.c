/* SPDX-License-Identifier: GPL-2.0-or-later */
/* COM1, a 16550 (its data sheet, register summary). */
#include "asm/boot.h"
#include "asm/cpu.h"
#include "console.h"
#include "cpus.h"
#include "timer.h"

#define PORT       0x3f8
#define LINE_EMPTY 0x20
#define LINE_DATA  0x01

static bool present;
static struct timer poll;

void serial_init(void)
{
	outb(PORT + 3, 0x80);
	outb(PORT + 0, 1); /* 115200 baud */
	outb(PORT + 1, 0);
	outb(PORT + 3, 3); /* 8n1 */
	outb(PORT + 2, 7);
	outb(PORT + 4, 3);
	present = inb(PORT + 5) != 0xff;
}

void serial_put(char c)
{
	if (!present)
		return;
	for (unsigned int i = 0; i < 100000 && !(inb(PORT + 5) & LINE_EMPTY); i++)
		cpu_relax();
	outb(PORT, (u8)c);
}

static void poll_input(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < 64 && inb(PORT + 5) & LINE_DATA; i++)
		console_input((char)inb(PORT));
	timer_set(&poll, now() + 10 * MS);
}

void serial_poll_start(void)
{
	if (!present)
		return;
	timer_init(&poll, poll_input, NULL);
	timer_set(&poll, now() + 10 * MS);
}
