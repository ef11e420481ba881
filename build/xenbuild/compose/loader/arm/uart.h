/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The serial port that the device tree names as console. */
#ifndef LOADER_UART_H
#define LOADER_UART_H

#include "fdt.h"

enum uart_kind { UART_NONE, UART_PL011, UART_8250 };

struct uart {
	enum uart_kind kind;
	paddr address;
	u32 shift; /* 8250: log2 of the distance of registers in bytes */
	u32 width; /* 8250: bytes of an access, 1 or 4 */
};

/* Follows /chosen/stdout-path; the kind is UART_NONE if that leads to nothing that we can drive. */
struct uart uart_find(const struct fdt *fdt);

#endif
