/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef XENBUILD_CRC32_H
#define XENBUILD_CRC32_H

#include "types.h"

/* The CRC-32 of zlib and Ethernet. */
uint32_t crc32(const void *data, size_t size);

#endif
