/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pci.h"

#include "port.h"

#define ADDRESS    0xcf8
#define DATA       0xcfc
#define MULTI      0x80u /* in the header type: there are more functions */
#define HAS_LIST   0x10u /* in the status: there are capabilities */
#define MOST_STEPS 48    /* capabilities that fit into the space */

static void select(const struct pci *pci, u32 at)
{
	out32(ADDRESS, 1u << 31 | (u32)pci->bus << 16 | (u32)pci->slot << 11 |
			   (u32)pci->function << 8 | (at & 0xfc));
}

u32 pci_read(const struct pci *pci, u32 at, u32 bytes)
{
	u32 value;

	select(pci, at);
	value = in32(DATA) >> (at & 3) * 8;
	return bytes == 4 ? value : value & ((1u << bytes * 8) - 1);
}

void pci_write(const struct pci *pci, u32 at, u32 bytes, u32 value)
{
	select(pci, at);
	if (bytes == 1)
		out8((u16)(DATA + (at & 3)), (u8)value);
	else if (bytes == 2)
		out16((u16)(DATA + (at & 2)), (u16)value);
	else
		out32(DATA, value);
}

void pci_scan(void (*found)(const struct pci *pci))
{
	for (u32 number = 0; number < 256 * 32 * 8; number++) {
		struct pci pci = {.bus = (u8)(number >> 8),
				  .slot = (u8)(number >> 3 & 31),
				  .function = (u8)(number & 7)};
		u32 id = pci_read(&pci, 0, 4), kind;

		if ((id & 0xffff) == 0xffff) {
			if (!pci.function)
				number += 7; /* no function 0: nothing in the slot */
			continue;
		}
		pci.vendor = (u16)id;
		pci.device = (u16)(id >> 16);
		kind = pci_read(&pci, 8, 4);
		pci.class = (u8)(kind >> 24);
		pci.subclass = (u8)(kind >> 16);
		pci.interface = (u8)(kind >> 8);
		pci.line = (u8)pci_read(&pci, 0x3c, 1);
		found(&pci);
		if (!pci.function && !(pci_read(&pci, 0x0e, 1) & MULTI))
			number += 7;
	}
}

u64 pci_memory(const struct pci *pci, u32 bar)
{
	u32 low = pci_read(pci, PCI_BAR0 + 4 * bar, 4);

	if (low & 1)
		return 0;
	if ((low & 6) != 4)
		return low & ~15u;
	return (u64)pci_read(pci, PCI_BAR0 + 4 * bar + 4, 4) << 32 | (low & ~15u);
}

u16 pci_ports(const struct pci *pci, u32 bar)
{
	u32 value = pci_read(pci, PCI_BAR0 + 4 * bar, 4);

	return value & 1 ? (u16)(value & ~3u) : 0;
}

void pci_enable(const struct pci *pci)
{
	u32 command = pci_read(pci, PCI_COMMAND, 2) | PCI_IO | PCI_MEMORY | PCI_MASTER;

	pci_write(pci, PCI_COMMAND, 2, command & ~(u32)PCI_NO_INTX);
}

u32 pci_capability(const struct pci *pci, u32 id, u32 at)
{
	if (!(pci_read(pci, PCI_STATUS, 2) & HAS_LIST))
		return 0;
	at = pci_read(pci, at ? at + 1 : PCI_CAPABILITIES, 1) & 0xfc;
	for (u32 step = 0; at && step < MOST_STEPS; step++) {
		if (pci_read(pci, at, 1) == id)
			return at;
		at = pci_read(pci, at + 1, 1) & 0xfc;
	}
	return 0;
}
