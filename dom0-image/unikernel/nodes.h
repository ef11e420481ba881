/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's nodes in xenstore (docs/misc/xenstore-paths.pandoc). */
#ifndef DOM0_NODES_H
#define DOM0_NODES_H

#include "config.h"
#include "xen.h"

struct built;

bool nodes_write(const struct guest_config *config, const struct built *built);
void nodes_remove(domid_t dom);

#endif
