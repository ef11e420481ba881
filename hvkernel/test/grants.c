/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest.h"
#include "asm/pte.h"
#include "lib.h"

static struct grant_entry *grants;

static s16 map_grant(struct grant_map *op)
{
	CALL3(grant_table_op, GNTTABOP_map_grant_ref, op, 1);
	return op->status;
}

/* We grant to ourselves: the same paths as between two. */
void test_grants(void)
{
	ulong frame;
	struct grant_setup_table setup = {DOMID_SELF, 1, 0, (ulong)&frame};
	u8 *page = page_alloc(), *window = page_alloc(), *target = page_alloc();
	struct grant_map op;
	struct grant_unmap un;
	struct grant_copy copy;
	u64 old = entry_of((ulong)window);

	grants = page_alloc();
	check(!CALL3(grant_table_op, GNTTABOP_setup_table, &setup, 1) && !setup.status,
	      "setup_table");
	check(!map((ulong)grants, pte_of(frame, PTE_P | PTE_RW | PTE_US)), "the grant table maps");
	memset(page, 0x5a, PAGE_SIZE);
	grants[8].frame = (u32)frame_of(page);
	grants[8].domid = 0;
	grants[8].flags = GTF_permit_access | GTF_readonly;

	op = (struct grant_map){(ulong)window, GNTMAP_host_map, 8, 0, 0, 0, 0};
	check(map_grant(&op) == GNTST_permission_denied,
	      "a read-only grant is not mapped writable");
	op.flags |= GNTMAP_readonly;
	check(!map_grant(&op) && window[5] == 0x5a, "it is mapped read only");
	check(grants[8].flags & GTF_reading, "and marked");
	check(!probe(write_at, (ulong)window), "attack: writing through it");
	un = (struct grant_unmap){(ulong)window + PAGE_SIZE, 0, op.handle, 0};
	CALL3(grant_table_op, GNTTABOP_unmap_grant_ref, &un, 1);
	check(un.status == GNTST_bad_virt_addr, "attack: unmapping another address");
	un.host_addr = (ulong)window;
	CALL3(grant_table_op, GNTTABOP_unmap_grant_ref, &un, 1);
	check(!un.status && !(grants[8].flags & GTF_reading), "unmap, and the mark is gone");
	CALL3(grant_table_op, GNTTABOP_unmap_grant_ref, &un, 1);
	check(un.status == GNTST_bad_handle, "attack: unmapping twice");
	map((ulong)window, old);
	op.ref = 77777;
	check(map_grant(&op) == GNTST_bad_gntref, "attack: a reference beyond the table");
	op.ref = 9;
	check(map_grant(&op) == GNTST_bad_gntref, "attack: a reference that grants nothing");
	grants[9] = (struct grant_entry){GTF_permit_access, 0, 0x100};
	check(map_grant(&op) == GNTST_bad_page, "attack: granting the hypervisor's frame");
	grants[9].frame = (u32)frame_of((void *)start->pt_base);
	op.flags = GNTMAP_host_map;
	check(map_grant(&op) == GNTST_bad_page, "attack: granting a page table, writable");

	memset(&copy, 0, sizeof(copy));
	copy.source.u.ref = 8;
	copy.source.offset = 100;
	copy.dest.u.gmfn = frame_of(target);
	copy.dest.domid = DOMID_SELF;
	copy.len = 200;
	copy.flags = GNTCOPY_source_gref;
	CALL3(grant_table_op, GNTTABOP_copy, &copy, 1);
	check(!copy.status && target[0] == 0x5a && target[199] == 0x5a && !target[200], "copy");
	copy.len = 4000;
	CALL3(grant_table_op, GNTTABOP_copy, &copy, 1);
	check(copy.status == GNTST_bad_copy_arg, "attack: a copy over the page's end");
	copy.len = 8;
	copy.dest.u.gmfn = frame_of((void *)start->pt_base);
	CALL3(grant_table_op, GNTTABOP_copy, &copy, 1);
	check(copy.status == GNTST_bad_page, "attack: a copy into a page table");
	copy.source.u.ref = 8;
	copy.flags = GNTCOPY_source_gref | GNTCOPY_dest_gref;
	copy.dest.u.ref = 8;
	copy.dest.domid = 0;
	CALL3(grant_table_op, GNTTABOP_copy, &copy, 1);
	check(copy.status == GNTST_permission_denied, "attack: a copy into a read-only grant");
}
