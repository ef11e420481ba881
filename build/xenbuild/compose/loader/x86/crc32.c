/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slicing by 8: eight bytes a step, with eight tables of 1 KiB made at the first call. That is
 * memory speed even on a Pentium II.
 */
#include "crc32.h"

#define POLYNOMIAL 0xedb88320u

static u32 table[8][256];

static void make_tables(void)
{
	for (u32 i = 0; i < 256; i++) {
		u32 c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ POLYNOMIAL : c >> 1;
		table[0][i] = c;
	}
	for (u32 i = 0; i < 256; i++)
		for (int k = 1; k < 8; k++)
			table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
}

u32 crc32(const void *data, u32 size)
{
	const u8 *byte = data;
	u32 crc = 0xffffffff;

	if (!table[0][1])
		make_tables();
	for (; size && (uintptr_t)byte % 4; size--)
		crc = crc >> 8 ^ table[0][(crc ^ *byte++) & 0xff];
	for (; size >= 8; size -= 8, byte += 8) {
		u32 a = *(const u32 *)(const void *)byte ^ crc;
		u32 b = *(const u32 *)(const void *)(byte + 4);

		crc = table[7][a & 0xff] ^ table[6][a >> 8 & 0xff] ^ table[5][a >> 16 & 0xff] ^
		      table[4][a >> 24] ^ table[3][b & 0xff] ^ table[2][b >> 8 & 0xff] ^
		      table[1][b >> 16 & 0xff] ^ table[0][b >> 24];
	}
	for (; size; size--)
		crc = crc >> 8 ^ table[0][(crc ^ *byte++) & 0xff];
	return ~crc;
}
