/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "say.h"

void say(const char *text)
{
	while (*text)
		console_put(*text++);
}

void say_hex(u64 n)
{
	bool started = false;

	say("0x");
	for (int shift = 60; shift >= 0; shift -= 4) {
		u32 digit = (u32)(n >> shift) & 0xf;

		if (digit || started || !shift) {
			console_put("0123456789abcdef"[digit]);
			started = true;
		}
	}
}
