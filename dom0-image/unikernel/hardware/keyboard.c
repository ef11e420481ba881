/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A PS/2 keyboard behind an i8042, which translates its codes to those of the first PCs (set 1). */
#include "keyboard.h"

#include "irq.h"
#include "keys.h"
#include "port.h"

#define DATA    0x60u
#define STATUS  0x64u /* read; written: commands */
#define LINE    1u
#define TIMEOUT (50 * MILLISECOND)
#define MOST    64u /* bytes that wait: more come from no controller */

enum { FULL = 1, BUSY = 2, FROM_MOUSE = 0x20, NOTHING = 0xff };
enum { READ_CONFIG = 0x20, WRITE_CONFIG = 0x60, ENABLE = 0xae, SCAN = 0xf4 };
enum { INTERRUPT = 1, OFF = 0x10, TRANSLATE = 0x40 };

static void (*heard)(u32 keycode, bool pressed);
static struct key_reader reader;
static struct irq irq;

static bool wait_for(u8 bits, u8 value)
{
	u64 until = now() + TIMEOUT;

	while ((in8(STATUS) & bits) != value)
		if (now() > until)
			return false;
	return true;
}

static bool send(u16 port, u8 value)
{
	if (!wait_for(BUSY, 0))
		return false;
	out8(port, value);
	return true;
}

static bool serve(void *data)
{
	bool any = false;

	(void)data;
	for (u32 i = 0; i < MOST; i++) {
		u8 status = in8(STATUS), byte;
		bool pressed;
		u32 keycode;

		if (!(status & FULL))
			break;
		byte = in8(DATA);
		any = true;
		if (status & FROM_MOUSE)
			continue;
		keycode = key_read(&reader, byte, &pressed);
		if (keycode)
			heard(keycode, pressed);
	}
	return any;
}

static void drain(void)
{
	for (u32 i = 0; i < MOST && in8(STATUS) & FULL; i++)
		in8(DATA);
}

bool keyboard_start(void (*fn)(u32 keycode, bool pressed))
{
	u8 config;

	if (in8(STATUS) == NOTHING)
		return false;
	drain();
	if (!send(STATUS, READ_CONFIG) || !wait_for(FULL, FULL))
		return false;
	config = in8(DATA);
	config = (u8)((config | INTERRUPT | TRANSLATE) & ~OFF);
	if (!send(STATUS, WRITE_CONFIG) || !send(DATA, config) || !send(STATUS, ENABLE) ||
	    !send(DATA, SCAN))
		return false;
	wait_for(FULL, FULL); /* it acknowledges */
	drain();
	heard = fn;
	irq_attach(&irq, &(struct pci){.line = LINE}, serve, NULL);
	return true;
}
