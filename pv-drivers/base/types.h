/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

typedef unsigned long pfn_t; /* a page of this domain, by its pseudo-physical number */
typedef unsigned long mfn_t; /* a page of the machine */
typedef u16 domid_t;
typedef u32 port_t; /* an event channel */
typedef u32 gref_t; /* an entry of the grant table */

/* 64-bit members of control interfaces are aligned to 8 bytes on every architecture. */
typedef u64 u64a __attribute__((aligned(8)));

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ul
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define MICROSECOND 1000ull
#define MILLISECOND 1000000ull
#define SECOND      1000000000ull

#define LENGTH(array)    (sizeof(array) / sizeof((array)[0]))
#define PRINTF(fmt, arg) __attribute__((format(printf, fmt, arg)))

/* The structure whose member `ptr` points to. */
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

static inline u32 round_up(u32 n, u32 to)
{
	return (n + to - 1) / to * to;
}

static inline unsigned long pages_for(unsigned long bytes)
{
	return (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

#endif
