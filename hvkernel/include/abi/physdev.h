/* SPDX-License-Identifier: GPL-2.0-or-later */
/* public/physdev.h */
#ifndef HV_ABI_PHYSDEV_H
#define HV_ABI_PHYSDEV_H

#include "types.h"

enum {
	PHYSDEVOP_irq_status_query = 5,
	PHYSDEVOP_set_iopl = 6,
	PHYSDEVOP_set_iobitmap = 7,
	PHYSDEVOP_eoi = 12,
	PHYSDEVOP_map_pirq = 13,
	PHYSDEVOP_unmap_pirq = 14,
	PHYSDEVOP_setup_gsi = 21,
	PHYSDEVOP_get_free_pirq = 23,
	PHYSDEVOP_pci_device_add = 25
};

#define IRQSTAT_needs_eoi 1
#define MAP_PIRQ_MSI      0
#define MAP_PIRQ_GSI      1

struct physdev_irq_status {
	u32 irq, flags;
};

struct physdev_eoi {
	u32 irq;
};

struct physdev_map_pirq {
	domid_t domid;
	int type, index, pirq, bus, devfn, entry_nr;
	u64 table_base;
};

struct physdev_unmap_pirq {
	domid_t domid;
	int pirq;
};

struct physdev_setup_gsi {
	int gsi;
	u8 triggering; /* 0 edge, 1 level */
	u8 polarity;   /* 0 active high, 1 active low */
};

#endif
