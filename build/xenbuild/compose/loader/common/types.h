/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LOADER_TYPES_H
#define LOADER_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

/* Physical addresses and sizes; armv7 with LPAE has 40 bits of them. */
typedef u64 paddr;

/* A physical address as a pointer: there is no paging, and everything of ours lies in reach. */
static inline void *at(paddr address)
{
	return (void *)(uintptr_t)address;
}

#endif
