/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * With the MMU off every access to memory is uncached, so memory is read in words and there is no
 * table: instructions may be cached, four table look-ups a word would not be.
 */
#include "crc32.h"
#include "arch.h"

#define POLYNOMIAL 0xedb88320u

static u32 step_bits(u32 crc, int bits)
{
	while (bits--)
		crc = (crc >> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
	return crc;
}

u32 crc32(const void *data, u32 size)
{
	const u32 *word = data;
	const u32 *end = word + size / 4;
	u32 crc = ~0u;

	if (arch_has_crc32())
		while (word < end)
			crc = arch_crc32_word(crc, *word++);
	else
		while (word < end)
			crc = step_bits(crc ^ *word++, 32);
	for (u32 i = 0; i < size % 4; i++)
		crc = step_bits(crc ^ ((const u8 *)end)[i], 8);
	return ~crc;
}
