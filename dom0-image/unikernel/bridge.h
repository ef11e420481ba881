/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A learning bridge between network interfaces (IEEE 802.1D without a spanning tree). */
#ifndef DOM0_BRIDGE_H
#define DOM0_BRIDGE_H

#include "nic.h"

/* False if the bridge is full. */
bool bridge_join(struct nic *nic);
void bridge_leave(struct nic *nic);
/* The ports, one by one; NULL behind the last. */
struct nic *bridge_port(u32 number);

#endif
