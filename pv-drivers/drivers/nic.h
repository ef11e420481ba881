/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network interface, whoever drives it: whole Ethernet frames without checksum, one at a time. */
#ifndef DRIVERS_NIC_H
#define DRIVERS_NIC_H

#include "types.h"

#define FRAME_MIN 14u
#define FRAME_MAX 1514u

struct nic {
	const char *name;
	u8 mac[6];
	/* A frame that finds no room is dropped, as on any wire. */
	void (*send)(struct nic *nic, const void *frame, size_t size);
	void *driver;
	/* Of the owner: what came in. */
	void (*receive)(struct nic *nic, const void *frame, size_t size);
	void *owner;
	void (*moved)(struct nic *nic); /* it hangs on another wire now; may be NULL */
	u64 sent, received, dropped;
};

/* "00:16:3e:01:02:03" to six bytes; false if it is not of that form. */
bool mac_parse(const char *text, u8 mac[6]);

#endif
