/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "saved.h"
#include "vcpu_context.h"

#define ENTRIES    512u
#define PRESENT    1ull
#define FRAME_MASK 0x000ffffffffff000ull
#define GDT_PAGE   512ul /* descriptors */

void saved_table(u64 *entries, saved_translate *translate, void *data)
{
	for (u32 i = 0; i < ENTRIES; i++) {
		unsigned long number;

		if (!(entries[i] & PRESENT))
			continue;
		number = translate(data, (unsigned long)((entries[i] & FRAME_MASK) >> PAGE_SHIFT));
		entries[i] =
		    number == NO_PAGE ? 0 : (entries[i] & ~FRAME_MASK) | (u64)number << PAGE_SHIFT;
	}
}

static bool root(unsigned long *cr3, saved_translate *translate, void *data)
{
	unsigned long number = translate(data, cr3_to_frame(*cr3));

	*cr3 = frame_to_cr3(number);
	return number != NO_PAGE;
}

bool saved_registers(struct vcpu_guest_context *c, saved_translate *translate, void *data)
{
	for (unsigned long i = 0; i * GDT_PAGE < c->gdt_entries && i < LENGTH(c->gdt_frames); i++) {
		c->gdt_frames[i] = translate(data, c->gdt_frames[i]);
		if (c->gdt_frames[i] == NO_PAGE)
			return false;
	}
	if (!root(&c->cr[3], translate, data))
		return false;
#ifdef USER_CR3
	if (c->cr[USER_CR3] && !root(&c->cr[USER_CR3], translate, data))
		return false;
#endif
	return true;
}

unsigned long saved_start(const struct vcpu_guest_context *c)
{
	return (unsigned long)c->regs.dx;
}
