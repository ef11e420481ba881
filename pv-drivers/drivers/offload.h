/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRIVERS_OFFLOAD_H
#define DRIVERS_OFFLOAD_H

#include "types.h"

/* Make the checksum of UDP or TCP in IPv4 that the sender left out. Other frames stay as they are.
 */
void offload_checksum(u8 *frame, size_t size);

#endif
