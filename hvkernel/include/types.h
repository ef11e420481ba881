/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HV_TYPES_H
#define HV_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8_t;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef unsigned long ulong;

typedef ulong mfn_t; /* machine frame number */
typedef u64 paddr_t; /* machine address */
typedef u16 domid_t;

#define PAGE_SHIFT  12
#define PAGE_SIZE   4096ul
#define INVALID_MFN (~(mfn_t)0)

#define ARRAY_SIZE(a)     (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)         ((a) < (b) ? (a) : (b))
#define MAX(a, b)         ((a) > (b) ? (a) : (b))
#define ROUND_UP(x, to)   (((x) + (to) - 1) & ~((__typeof__(x))(to) - 1))
#define ROUND_DOWN(x, to) ((x) & ~((__typeof__(x))(to) - 1))
#define BIT(n)            (1ul << (n))
#define BITS_PER_LONG     (8 * sizeof(long))

#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))

#endif
