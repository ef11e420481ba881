/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The graphics card of Bochs and QEMU ("std"; QEMU's docs/specs/standard-vga), set to one mode if
 * the boot loader left none. */
#include "display.h"
#include "drivers.h"
#include "pagetable.h"
#include "port.h"

#define VENDOR 0x1234
#define DEVICE 0x1111
#define INDEX  0x1ceu
#define VALUE  0x1cfu
#define WIDTH  800u
#define HEIGHT 600u

enum { ID = 0, X_SIZE = 1, Y_SIZE = 2, BITS = 3, ENABLE = 4 };
enum { ID_FIRST = 0xb0c2, ID_LAST = 0xb0c5 }; /* of those that have the mode */
enum { ENABLED = 1, LINEAR = 0x40 };

static void set(u16 index, u16 value)
{
	out16(INDEX, index);
	out16(VALUE, value);
}

bool bochs_vga_probe(const struct pci *pci)
{
	struct frame frame = {
	    .width = WIDTH,
	    .height = HEIGHT,
	    .pitch = WIDTH * 4,
	    .bytes = 4,
	    .red_at = 16,
	    .red_bits = 8,
	    .green_at = 8,
	    .green_bits = 8,
	    .blue_bits = 8,
	};
	u16 id;

	if (pci->vendor != VENDOR || pci->device != DEVICE)
		return false;
	out16(INDEX, ID);
	id = in16(VALUE);
	if (!display_wanted() || id < ID_FIRST || id > ID_LAST)
		return true;
	pci_enable(pci);
	frame.pixels = map_device(pci_memory(pci, 0), frame.pitch * frame.height);
	if (!frame.pixels)
		return true;
	set(ENABLE, 0);
	set(X_SIZE, WIDTH);
	set(Y_SIZE, HEIGHT);
	set(BITS, 32);
	set(ENABLE, ENABLED | LINEAR);
	display_offer(&frame);
	return true;
}
