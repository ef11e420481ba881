#ifndef LOADER_ARM_CRC32_H
#define LOADER_ARM_CRC32_H

#include "types.h"

/* zlib's CRC-32 of `size` bytes at `data`, which is aligned to 4 bytes. */
u32 crc32(const void *data, u32 size);

#endif
