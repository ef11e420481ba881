/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HV_CMDLINE_H
#define HV_CMDLINE_H

#include "types.h"

extern char cmdline[1024];

/* What stands behind "--" is dom0's, as Xen has it: cut off, and remembered in dom0_words. */
extern const char *dom0_words;
void cmdline_split(void);
/* The value of `name=value`, up to the next blank, in `value`; false if it is not there. */
bool cmdline_value(const char *name, char *value, size_t size);
bool cmdline_has(const char *word);
/* A number with k, M or G behind it, in bytes (kibibytes without a suffix, as Xen has it). */
u64 cmdline_bytes(const char *name, u64 otherwise);

#endif
