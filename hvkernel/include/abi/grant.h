/* SPDX-License-Identifier: GPL-2.0-or-later */
/* public/grant_table.h, version 1 */
#ifndef HV_ABI_GRANT_H
#define HV_ABI_GRANT_H

#include "types.h"

#define GTF_permit_access 1
#define GTF_type_mask     3
#define GTF_readonly      4
#define GTF_reading       8
#define GTF_writing       16
#define GTF_sub_page      256

struct grant_entry {
	u16 flags;
	domid_t domid;
	u32 frame;
};

enum {
	GNTTABOP_map_grant_ref,
	GNTTABOP_unmap_grant_ref,
	GNTTABOP_setup_table,
	GNTTABOP_dump_table,
	GNTTABOP_transfer,
	GNTTABOP_copy,
	GNTTABOP_query_size,
	GNTTABOP_unmap_and_replace,
	GNTTABOP_set_version,
	GNTTABOP_get_status_frames,
	GNTTABOP_get_version
};

enum {
	GNTST_okay = 0,
	GNTST_general_error = -1,
	GNTST_bad_domain = -2,
	GNTST_bad_gntref = -3,
	GNTST_bad_handle = -4,
	GNTST_bad_virt_addr = -5,
	GNTST_no_device_space = -7,
	GNTST_permission_denied = -8,
	GNTST_bad_page = -9,
	GNTST_bad_copy_arg = -10,
	GNTST_no_space = -13
};

#define GNTMAP_device_map   1
#define GNTMAP_host_map     2
#define GNTMAP_readonly     4
#define GNTMAP_application  8
#define GNTMAP_contains_pte 16

struct grant_map {
	u64 host_addr;
	u32 flags;
	u32 ref;
	domid_t dom;
	s16 status;
	u32 handle;
	u64 dev_bus_addr;
};

struct grant_unmap {
	u64 host_addr;
	u64 dev_bus_addr;
	u32 handle;
	s16 status;
};

struct grant_setup_table {
	domid_t dom;
	u32 nr_frames;
	s16 status;
	ulong frame_list; /* guest address of ulong[] */
};

struct grant_transfer {
	ulong mfn;
	domid_t domid;
	u32 ref;
	s16 status;
};

#define GNTCOPY_source_gref 1
#define GNTCOPY_dest_gref   2

struct grant_copy_end {
	union {
		u32 ref;
		ulong gmfn;
	} u;
	domid_t domid;
	u16 offset;
};

struct grant_copy {
	struct grant_copy_end source, dest;
	u16 len, flags;
	s16 status;
};

struct grant_query_size {
	domid_t dom;
	u32 nr_frames, max_nr_frames;
	s16 status;
};

struct grant_version {
	domid_t dom;
	u16 pad;
	u32 version;
};

#endif
