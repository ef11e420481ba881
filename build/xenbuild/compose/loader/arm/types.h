#ifndef LOADER_ARM_TYPES_H
#define LOADER_ARM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

/* Physical addresses and sizes; armv7 with LPAE has 40 bits of them. */
typedef u64 paddr;

#endif
