/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRIVERS_NETBACK_H
#define DRIVERS_NETBACK_H

#include "nic.h"

struct netback;

/*
 * Serve a network interface to a domain, with its nodes as blkback_add() has them,
 * "backend/vif/DOM/ID". To its owner it is a nic: sending on it is what the domain receives. NULL
 * without memory.
 */
struct netback *netback_add(domid_t dom, const char *id);
struct nic *netback_nic(struct netback *back);
void netback_remove(struct netback *back);

#endif
