/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block devices between domains: public/io/blkif.h. The 64-bit id is aligned to 4 bytes for 32-bit
 * guests and to 8 for 64-bit ones, so a ring has the layout that its front end states in
 * "protocol".
 */
#ifndef DRIVERS_BLKIF_H
#define DRIVERS_BLKIF_H

#include "block.h"

#define BLKIF_SEGMENTS 11u

enum { BLKIF_READ = 0, BLKIF_WRITE = 1, BLKIF_BARRIER = 2, BLKIF_FLUSH = 3, BLKIF_DISCARD = 5 };
enum { BLKIF_OK = 0, BLKIF_ERROR = -1, BLKIF_UNSUPPORTED = -2 };
enum { VDISK_CDROM = 1, VDISK_REMOVABLE = 2, VDISK_READONLY = 4 };

struct blkif_segment {
	gref_t ref;
	u8 first, last; /* sectors of the page */
	u16 pad;
};

typedef u64 u64_4 __attribute__((aligned(4)));

struct blkif_request32 {
	u8 op, segments;
	u16 handle;
	u64_4 id;
	u64_4 sector;
	struct blkif_segment segment[BLKIF_SEGMENTS];
};

struct blkif_request64 {
	u8 op, segments;
	u16 handle;
	u64a id;
	u64a sector;
	struct blkif_segment segment[BLKIF_SEGMENTS];
};

struct blkif_response32 {
	u64_4 id;
	u8 op;
	s16 status;
};

struct blkif_response64 {
	u64a id;
	u8 op;
	s16 status;
};

/* The layout of this program's own architecture. */
#if UINTPTR_MAX > UINT32_MAX
typedef struct blkif_request64 blkif_request;
typedef struct blkif_response64 blkif_response;
#else
typedef struct blkif_request32 blkif_request;
typedef struct blkif_response32 blkif_response;
#endif

_Static_assert(sizeof(struct blkif_request32) == 108, "as 32-bit guests have it");
_Static_assert(sizeof(struct blkif_request64) == 112, "as 64-bit guests have it");
_Static_assert(sizeof(struct blkif_response32) == 12, "as 32-bit guests have it");
_Static_assert(sizeof(struct blkif_response64) == 16, "as 64-bit guests have it");

/* The disk "device/vbd/ID" of this domain, connected; NULL with a message if that failed. */
struct block *blkfront_open(const char *id);
/* Let it go: no request may be under way. */
void blkfront_close(struct block *block);

#endif
