/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output.h"
#include "text.h"

void put_bytes(struct output *out, const void *bytes, u32 size)
{
	if (out->full || size > out->room - out->at) {
		out->full = true;
		return;
	}
	memcpy(out->base + out->at, bytes, size);
	out->at += size;
}

void put_be32(struct output *out, u32 n)
{
	const u8 bytes[4] = {n >> 24, n >> 16, n >> 8, n};

	put_bytes(out, bytes, 4);
}

void put_number(struct output *out, u64 n, u32 cells)
{
	if (cells == 2)
		put_be32(out, n >> 32);
	put_be32(out, n);
}

void pad4(struct output *out)
{
	while (!out->full && out->at % 4)
		put_bytes(out, "", 1);
}

void put_head(struct output *out, u32 name, u32 size)
{
	put_be32(out, FDT_PROP);
	put_be32(out, size);
	put_be32(out, name);
}
