/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a CRC and no cryptographic hash: nothing that this loader could compute proves who made the
 * bundle, since an attacker would replace loader and digests as well. What it has to catch is a
 * transfer that was cut short or damaged, and a CRC does that at memory speed even on a Pentium II.
 * The SHA-256 of every part is in the bundle's manifest, for `xenbuild inspect`.
 *
 * Slicing by 8: eight bytes a step, with eight tables of 1 KiB made at the first call.
 */
#include "crc32.h"

#define POLYNOMIAL 0xedb88320u

static uint32_t table[8][256];

static void make_tables(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ POLYNOMIAL : c >> 1;
		table[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int k = 1; k < 8; k++)
			table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
}

uint32_t crc32(const void *data, size_t size)
{
	const uint8_t *byte = data;
	uint32_t crc = 0xffffffff;

	if (!table[0][1])
		make_tables();
	for (; size && (uintptr_t)byte % 4; size--)
		crc = crc >> 8 ^ table[0][(crc ^ *byte++) & 0xff];
	for (; size >= 8; size -= 8, byte += 8) {
		uint32_t a = *(const uint32_t *)(const void *)byte ^ crc;
		uint32_t b = *(const uint32_t *)(const void *)(byte + 4);

		crc = table[7][a & 0xff] ^ table[6][a >> 8 & 0xff] ^ table[5][a >> 16 & 0xff] ^
		      table[4][a >> 24] ^ table[3][b & 0xff] ^ table[2][b >> 8 & 0xff] ^
		      table[1][b >> 16 & 0xff] ^ table[0][b >> 24];
	}
	for (; size; size--)
		crc = crc >> 8 ^ table[0][(crc ^ *byte++) & 0xff];
	return ~crc;
}
