/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef XENBUILD_TYPES_H
#define XENBUILD_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A physical address as a pointer: paging is off and everything of ours lies below 4 GiB. */
static inline void *at(uint32_t address)
{
	return (void *)address;
}

#endif
