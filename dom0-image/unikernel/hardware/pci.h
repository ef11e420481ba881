/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI bus by configuration mechanism 1 (PCI Local Bus Specification 3.0, 3.2.2.3.2). */
#ifndef HARDWARE_PCI_H
#define HARDWARE_PCI_H

#include "types.h"

struct pci {
	u8 bus, slot, function;
	u16 vendor, device;
	u8 class, subclass, interface;
	u8 line; /* where the firmware routed its interrupt */
};

enum {
	PCI_COMMAND = 0x04,
	PCI_STATUS = 0x06,
	PCI_BAR0 = 0x10,
	PCI_CAPABILITIES = 0x34,
};

enum { PCI_MSI = 5 }; /* a capability, and in its control: */
enum { PCI_MSI_CONTROL = 2, PCI_MSI_ENABLE = 1 };
enum { PCI_IO = 1, PCI_MEMORY = 2, PCI_MASTER = 4, PCI_NO_INTX = 0x400 };

/* Call `found` for every function there is. */
void pci_scan(void (*found)(const struct pci *pci));
u32 pci_read(const struct pci *pci, u32 at, u32 bytes);
void pci_write(const struct pci *pci, u32 at, u32 bytes, u32 value);
/* The address in a base register of memory, 0 if it is of ports or empty; and of ports. */
u64 pci_memory(const struct pci *pci, u32 bar);
u16 pci_ports(const struct pci *pci, u32 bar);
/* Let it answer and use memory by itself. */
void pci_enable(const struct pci *pci);
/* The next capability of a kind behind `at` (0: the first); 0 if there is none. */
u32 pci_capability(const struct pci *pci, u32 id, u32 at);

#endif
