/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that came with dom0: a cpio archive of the "newc" form (Linux, buffer-format.rst). */
#ifndef DOM0_ARCHIVE_H
#define DOM0_ARCHIVE_H

#include "types.h"

struct file {
	const char *name;
	char *data; /* where it lies in the archive */
	size_t size;
};

/* The next file of the archive from `*at` on; false at its end or where it is damaged. */
bool archive_next(char *archive, size_t size, size_t *at, struct file *file);
/* A file by its name, without a slash in front. */
bool archive_find(char *archive, size_t size, const char *name, struct file *file);

#endif
