/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HARDWARE_SMBIOS_H
#define HARDWARE_SMBIOS_H

#include "types.h"

/*
 * The first OEM string of the firmware that begins with `prefix`, without that, in `buffer`; false
 * if there is none, or no SMBIOS. For words that a boot loader without a command line of its own
 * could not pass on.
 */
bool smbios_oem_string(const char *prefix, char *buffer, size_t size);

#endif
