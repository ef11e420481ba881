/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRIVERS_BLKBACK_H
#define DRIVERS_BLKBACK_H

#include "block.h"

struct blkback;

/*
 * Serve a disk to a domain: the nodes of both ends are in xenstore already, "backend/vbd/DOM/ID"
 * for us. NULL without memory.
 */
struct blkback *blkback_add(domid_t dom, const char *id, struct block *block);
/* Requests that are under way come to their end on the disk. */
void blkback_remove(struct blkback *back);
/* Whether there are such: who uses the disk now must wait, or they may overtake his. */
bool blkback_draining(const struct block *block);
/* Requests and sectors served so far. */
void blkback_counts(const struct blkback *back, u64 *requests, u64 *sectors);

#endif
