/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loader checks each part by CRC-32: that finds what goes wrong between build and boot (a bad
 * card, a cut download, a boot loader that wrote over the image). It is no defence against intent,
 * and nothing that a loader computes could be: an attacker would replace loader and digests as
 * well. The SHA-256 of each part is in the manifest, for `xenbuild inspect`.
 *
 * Each architecture has its own code: on x86 memory is cached and tables pay, on Arm it is not.
 */
#ifndef LOADER_CRC32_H
#define LOADER_CRC32_H

#include "types.h"

/* zlib's CRC-32 of `size` bytes at `data`, which is aligned to 4 bytes on Arm. */
u32 crc32(const void *data, u32 size);

#endif
