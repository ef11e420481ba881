/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A saved guest on a disk of dom0's, which outlives dom0: one guest a disk, from its first sector
 * on. The first sector is written last, so a save that was interrupted is none.
 */
#ifndef DOM0_SAVEFILE_H
#define DOM0_SAVEFILE_H

#include "block.h"
#include "saved.h"

/* NULL, or why not: a disk with other content is not overwritten. */
const char *savefile_write(struct block *disk, const char *guest, const struct saved *saved);
/* What the disk holds of this guest; NULL with *error set. */
struct saved *savefile_read(struct block *disk, const char *guest, const char **error);

#endif
