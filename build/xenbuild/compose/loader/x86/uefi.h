/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LOADER_UEFI_H
#define LOADER_UEFI_H

#include "machine.h"

/*
 * Makes up for the BIOS where UEFI firmware started the boot loader and its boot services have
 * ended: the hypervisor is told to call no BIOS, and finds the ACPI tables where a BIOS has them.
 * False if the boot loader did not say where they are, or no memory is free for the pointer.
 */
bool uefi_make_up(struct machine *m);

#endif
