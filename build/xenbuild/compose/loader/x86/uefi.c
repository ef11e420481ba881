/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xen looks for ACPI's root pointer in the extended BIOS data area, whose segment is at 0x40e, as
 * ACPI 6.5 says in 5.2.5.1. That area is made of one page below 640 KiB, reserved in the memory
 * map, so that dom0 sees the page itself; where it lies dom0 is told, as its own 0x40e is other
 * memory. A machine with this boot loader has no runtime services of UEFI.
 */
#include "uefi.h"
#include "multiboot.h"
#include "text.h"

#define EBDA_SEGMENT  0x40e /* its address divided by 16 */
#define LOW_MEMORY    0x413 /* KiB below it */
#define PAGE          4096u
#define TOP           0xa0000u
#define BOTTOM        0x80000u /* Xen's code for other processors wants room below */
#define TYPE_RESERVED 2

/* A copy of the root pointer, or NULL. */
static const struct mb2_tag *find_rsdp(const struct machine *m)
{
	const struct mb2_tag *found = NULL;

	for (u32 i = 0; i < m->extra_size;) {
		const struct mb2_tag *tag = (const void *)(m->extra + i);

		if (tag->type == MB2_ACPI_NEW || (tag->type == MB2_ACPI_OLD && !found))
			found = tag;
		i += (tag->size + 7) & ~7u;
	}
	return found && found->size - sizeof(*found) <= PAGE ? found : NULL;
}

static void put_hex(char *to, u32 number)
{
	for (int shift = 28; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[number >> shift & 0xf];
	*to = '\0';
}

bool uefi_make_up(struct machine *m)
{
	static const char word[] = " acpi_rsdp=0x";
	const struct mb2_tag *rsdp = find_rsdp(m);
	u32 page = TOP - PAGE;

	while (page >= BOTTOM && !machine_has_ram(m, page, page + PAGE))
		page -= PAGE;
	if (!rsdp || page < BOTTOM || m->range_count == MAX_RANGES)
		return false;
	m->ranges[m->range_count++] = (struct range){page, PAGE, TYPE_RESERVED};
	memset(at(page), 0, PAGE);
	memcpy(at(page), rsdp + 1, rsdp->size - sizeof(*rsdp));
	*(volatile u16 *)at(EBDA_SEGMENT) = (u16)(page >> 4);
	*(volatile u16 *)at(LOW_MEMORY) = (u16)(page >> 10);
	m->hypervisor_words = " no-real-mode";
	memcpy(m->dom0_words, word, sizeof(word) - 1);
	put_hex(m->dom0_words + sizeof(word) - 1, page);
	return true;
}
