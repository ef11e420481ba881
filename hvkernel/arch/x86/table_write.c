/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stock kernels change a few bits of page-table entries in place (clear A, take an entry with XCHG)
 * although the table is read only for them. Such a write to an L1 of the current space is done as a
 * hypercall would do it. The instructions are those that compilers make of it (Intel SDM vol. 2):
 * MOV, XCHG, AND, OR on 1, 4 or 8 bytes in memory; BTR, BTS, BTC, CMPXCHG, XADD on 4 or 8.
 */
#include "asm/cpu.h"
#include "asm/geometry.h"
#include "asm/pv.h"
#include "cpus.h"
#include "guest.h"
#include "lib.h"
#include "pagetype.h"
#include "space.h"

#define INSN_MAX 15

struct insn {
	u8 code[INSN_MAX + 4]; /* an immediate may seem to go on behind it */
	unsigned int at, reg, size;
	u8 rex, op, modrm;
	bool two;
};

static bool decode(struct insn *i, ulong ip)
{
	unsigned int rm, mod;

	memset(i, 0, sizeof(*i));
	for (unsigned int n = 0; n < INSN_MAX; n++)
		if (!copy_from_guest(&i->code[n], ip + n, 1))
			break;
	for (; i->at < 6; i->at++) {
		u8 c = i->code[i->at];

		if (sizeof(long) == 8 && (c & 0xf0) == 0x40)
			i->rex = c;
		else if (c != 0xf0 && c != 0x3e && c != 0x2e)
			break;
	}
	i->op = i->code[i->at++];
	if (i->op == 0x0f) {
		i->two = true;
		i->op = i->code[i->at++];
	}
	i->modrm = i->code[i->at++];
	mod = i->modrm >> 6;
	rm = i->modrm & 7;
	i->reg = (i->modrm >> 3 & 7) | (i->rex & 4u) << 1;
	i->size = i->rex & 8 ? 8 : 4;
	if (!i->two && !(i->op & 1)) {
		i->size = 1;
		if (i->reg > 3 && !i->rex)
			return false; /* ah to bh */
	}
	if (mod == 3)
		return false;
	if (rm == 4 && (i->code[i->at++] & 7) == 5 && mod == 0)
		i->at += 4; /* SIB without a base */
	if (mod == 0 && rm == 5)
		i->at += 4;
	i->at += mod == 1 ? 1 : mod == 2 ? 4 : 0;
	return i->at < INSN_MAX;
}

static u64 immediate(struct insn *i, unsigned int size)
{
	s64 value = (s8_t)i->code[i->at];

	if (size == 4)
		value = (s32)((u32)i->code[i->at] | (u32)i->code[i->at + 1] << 8 |
			      (u32)i->code[i->at + 2] << 16 | (u32)i->code[i->at + 3] << 24);
	i->at += size;
	return (u64)value;
}

static u64 bit_of(struct insn *i, const struct regs *r, bool by_register)
{
	u64 bits = i->size * 8 - 1;

	return 1ull << ((by_register ? *guest_register((struct regs *)r, i->reg)
				     : immediate(i, 1)) &
			bits);
}

/* What `old` becomes, and what registers become; false: an instruction that is not known. */
static bool compute(struct insn *i, struct regs *r, u64 old, u64 *new)
{
	u64 mask = ~0ull >> (64 - 8 * i->size), source = *guest_register(r, i->reg) & mask;
	unsigned int group = i->modrm >> 3 & 7;
	u64 bit;

	if (!i->two) {
		switch (i->op | 1) {
		case 0x89: /* MOV r to m */
			*new = source;
			return true;
		case 0xc7: /* MOV immediate */
			*new = immediate(i, i->size == 1 ? 1 : 4) & mask;
			return !group;
		case 0x87: /* XCHG */
			*new = source;
			*guest_register(r, i->reg) =
			    (ulong)(i->size == 1 ? (*guest_register(r, i->reg) & ~mask) | old
						 : old);
			return true;
		case 0x21: /* AND */
			*new = old &source;
			return true;
		case 0x09: /* OR */
			*new = old | source;
			return true;
		case 0x81:
		case 0x83:
			*new = immediate(i, i->op == 0x81 ? 4 : 1) & mask;
			if (group == 4)
				*new &= old;
			else if (group == 1)
				*new |= old;
			return group == 4 || group == 1;
		default:
			return false;
		}
	}
	switch (i->op) {
	case 0xb1: /* CMPXCHG */
		if ((r->ax & mask) == old) {
			*new = source;
			r->flags |= 0x40;
		} else {
			*new = old;
			r->ax = (ulong)old;
			r->flags &= ~(ulong)0x40;
		}
		return true;
	case 0xc1: /* XADD */
		*new = (old + source) & mask;
		*guest_register(r, i->reg) = (ulong)old;
		return true;
	case 0xab: /* BTS, BTR, BTC by register */
	case 0xb3:
	case 0xbb:
	case 0xba: /* and by number */
		bit = bit_of(i, r, i->op != 0xba);
		r->flags = (r->flags & ~(ulong)FLAG_CF) | (old & bit ? FLAG_CF : 0);
		if (i->op == 0xab || (i->op == 0xba && group == 5))
			*new = old | bit;
		else if (i->op == 0xb3 || (i->op == 0xba && group == 6))
			*new = old & ~bit;
		else
			*new = old ^ bit;
		return i->op != 0xba || group >= 5;
	default:
		return false;
	}
}

bool emulate_table_write(struct regs *r, ulong address)
{
	unsigned int index, shift;
	struct page *page = space_walk(address & ~(PAGE_SIZE - 1), 1, &index);
	struct vcpu *v = current;
	struct regs after = *r;
	struct insn i;
	u64 entry, old, new, mask;

	if (!page)
		return false;
	entry = table_read(page, index);
	page = entry & PTE_P ? page_of(pte_mfn(entry)) : NULL;
	if (!page || page->owner != v->domain->slot || (page->type & PT_TYPE) != PT_L1 ||
	    !(page->type & PT_COUNT) || !decode(&i, (ulong)r->ip) || address & (i.size - 1))
		return false;
	index = (address & (PAGE_SIZE - 1)) / 8;
	shift = (unsigned int)(address & 7) * 8;
	mask = ~0ull >> (64 - 8 * i.size) << shift;
	entry = table_read(page, index);
	old = (entry & mask) >> shift;
	if (!compute(&i, &after, old, &new))
		return false;
	new = (entry & ~mask) | (new << shift &mask);
	if (table_update(page, index, new, v->domain, v->domain, false))
		return false;
	after.ip += i.at;
	*r = after;
	return true;
}
