/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "offload.h"

#define ETHER 14u
#define UDP   17u
#define TCP   6u

static u32 sum(u32 total, const u8 *at, size_t size)
{
	for (; size > 1; size -= 2, at += 2)
		total += (u32)at[0] << 8 | at[1];
	if (size)
		total += (u32)at[0] << 8;
	return total;
}

void offload_checksum(u8 *frame, size_t size)
{
	u8 *ip = frame + ETHER, *inner, *field;
	size_t header, length;
	u32 total;

	if (size < ETHER + 20 || frame[12] != 8 || frame[13] || ip[0] >> 4 != 4)
		return;
	header = (ip[0] & 15u) * 4u;
	length = (size_t)ip[2] << 8 | ip[3];
	if (header < 20 || length < header || length > size - ETHER)
		return;
	inner = ip + header;
	length -= header;
	if (ip[9] == TCP && length >= 20)
		field = inner + 16;
	else if (ip[9] == UDP && length >= 8)
		field = inner + 6;
	else
		return;
	field[0] = field[1] = 0;
	total = sum((u32)length + ip[9], ip + 12, 8); /* the pseudo header */
	total = sum(total, inner, length);
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	total = ~total & 0xffff;
	if (!total && ip[9] == UDP)
		total = 0xffff;
	field[0] = (u8)(total >> 8);
	field[1] = (u8)total;
}
