/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HV_SYMBOLS_H
#define HV_SYMBOLS_H

#include "types.h"

/* The function that `address` lies in; NULL if unknown. The table is made from the linked image
 * (symbols.S of the second link), sorted by address. */
const char *symbol_of(ulong address, ulong *offset);
bool symbol_is_code(ulong address);

#endif
