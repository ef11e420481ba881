/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nic.h"

#include <stdlib.h>

bool mac_parse(const char *text, u8 mac[6])
{
	for (u32 i = 0; i < 6; i++) {
		char digits[5] = {'0', 'x', text[0], text[0] ? text[1] : 0, 0}, *end;

		mac[i] = (u8)strtoul(digits, &end, 16);
		if (end != digits + 4 || text[2] != (i < 5 ? ':' : 0))
			return false;
		text += 3;
	}
	return true;
}
