/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Message-signalled interrupts (PCI Local Bus Specification 3.0, 6.8.1; Intel SDM vol. 3, 10.11):
 * where a device is told which vector it sends to which CPU. Whether it may send is dom0's to say.
 */
#include "asm/boot.h"
#include "asm/cpu.h"
#include "cpus.h"
#include "errno.h"
#include "lib.h"

#define ADDRESS 0xcf8
#define DATA    0xcfc
#define MOST    48 /* capabilities that fit into the space */

enum { STATUS = 4, LIST = 0x34, HAS_LIST = 1 << 20 };
enum { MSI = 5, ENABLED = 1 << 16, WIDE = 1 << 23, MULTIPLE = 7 << 20 };

static u32 at(u32 function, u32 offset)
{
	return 1u << 31 | function << 8 | (offset & 0xfc);
}

static u32 config_read(u32 function, u32 offset)
{
	outl(ADDRESS, at(function, offset));
	return inl(DATA);
}

static void config_write(u32 function, u32 offset, u32 value)
{
	outl(ADDRESS, at(function, offset));
	outl(DATA, value);
}

static u32 find(u32 function)
{
	u32 offset;

	if (config_read(function, 0) == ~0u || !(config_read(function, STATUS) & HAS_LIST))
		return 0;
	offset = config_read(function, LIST) & 0xfc;
	for (unsigned int n = 0; offset && n < MOST; n++) {
		u32 head = config_read(function, offset);

		if ((head & 255) == MSI)
			return offset;
		offset = head >> 8 & 0xfc;
	}
	return 0;
}

static int tell(u32 function, unsigned int vector)
{
	u32 offset = find(function), head;

	if (!offset)
		return -ENODEV;
	head = config_read(function, offset);
	config_write(function, offset, head & ~(u32)(ENABLED | MULTIPLE));
	config_write(function, offset + 4, 0xfee00000u | (u32)cpus[0]->arch.apic_id << 12);
	if (head & WIDE)
		config_write(function, offset + 8, 0);
	config_write(function, offset + (head & WIDE ? 12 : 8), vector);
	return 0;
}

int msi_tell(u32 bus, u32 devfn, unsigned int vector)
{
	u32 before = inl(ADDRESS); /* dom0 may be in the middle of using it, on another CPU */
	int error = bus < 256 && devfn < 256 ? tell(bus << 8 | devfn, vector) : -EINVAL;

	outl(ADDRESS, before);
	return error;
}
