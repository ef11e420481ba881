/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The drivers: each says whether a device is its own and works now. */
#ifndef HARDWARE_DRIVERS_H
#define HARDWARE_DRIVERS_H

#include "pci.h"

bool virtio_blk_probe(const struct pci *pci);
bool virtio_net_probe(const struct pci *pci);
bool e1000_probe(const struct pci *pci);
bool ide_probe(const struct pci *pci);
bool ahci_probe(const struct pci *pci);
bool bochs_vga_probe(const struct pci *pci);

#endif
