/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's memory, by the addresses and page tables of the current vcpu. What is copied is
 * copied once; a bad address is false, never a fault. */
#ifndef HV_GUEST_H
#define HV_GUEST_H

#include "types.h"

bool copy_from_guest(void *to, ulong from, size_t size);
bool copy_to_guest(ulong to, const void *from, size_t size);
/* Is [address, address + size) the guest's part of the address space? */
bool guest_range(ulong address, size_t size);

/* Frames by number; a window that must be given back in the reverse order. */
void *map_frame(mfn_t mfn);
void unmap_frame(const void *at);
/* For good: a frame that a guest has registered. NULL: no room. */
void *map_frame_for_good(mfn_t mfn);
void unmap_frame_for_good(void *at);

#endif
