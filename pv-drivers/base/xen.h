/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest and Xen share: numbers and layouts as in Xen's public headers (xen.h, sched.h,
 * event_channel.h, grant_table.h, memory.h, version.h), under names of our own. What differs
 * between architectures is in arch/.../xen_arch.h.
 */
#ifndef BASE_XEN_H
#define BASE_XEN_H

#include "types.h"
#include "xen_arch.h"

enum hypercall {
	HC_SET_TRAP_TABLE = 0,
	HC_MMU_UPDATE = 1,
	HC_SET_GDT = 2,
	HC_STACK_SWITCH = 3,
	HC_SET_CALLBACKS = 4,
	HC_UPDATE_DESCRIPTOR = 10,
	HC_MEMORY_OP = 12,
	HC_MULTICALL = 13,
	HC_UPDATE_VA_MAPPING = 14,
	HC_SET_TIMER_OP = 15,
	HC_XEN_VERSION = 17,
	HC_CONSOLE_IO = 18,
	HC_GRANT_TABLE_OP = 20,
	HC_VM_ASSIST = 21,
	HC_IRET = 23,
	HC_VCPU_OP = 24,
	HC_MMUEXT_OP = 26,
	HC_SCHED_OP = 29,
	HC_EVENT_CHANNEL_OP = 32,
	HC_PHYSDEV_OP = 33,
	HC_SYSCTL = 35,
	HC_DOMCTL = 36,
};

#define DOMID_SELF    0x7ff0
#define DOMID_IO      0x7ff1
#define DOMID_INVALID 0x7ff4

#define MAX_PORTS 1024 /* two-level event channels of a 32-bit guest; enough for a 64-bit one */

struct vcpu_time {
	u32 version; /* odd while Xen writes */
	u32 pad;
	u64 tsc;
	u64 system; /* ns since boot at `tsc` */
	u32 mul;
	signed char shift;
	u8 flags, pad1[2];
};

struct vcpu_info {
	u8 upcall_pending;
	u8 upcall_mask;
	unsigned long pending_sel;
	struct vcpu_arch arch;
	struct vcpu_time time;
};

struct shared_info {
	struct vcpu_info vcpu[32];
	unsigned long pending[sizeof(unsigned long) * 8];
	unsigned long mask[sizeof(unsigned long) * 8];
	u32 wc_version, wc_sec, wc_nsec; /* wall clock at system time 0 */
	SHARED_WC_HIGH
	unsigned long max_pfn;
	mfn_t frame_list_list; /* frame of frames of lists of the p2m's frames; 0 or ~0: none */
};

struct start_info {
	char magic[32]; /* "xen-3.0-x86_64" and the like */
	unsigned long nr_pages;
	unsigned long shared_info; /* machine address */
	u32 flags;
	mfn_t store_mfn;
	port_t store_port;
	union {
		struct {
			mfn_t mfn;
			port_t port;
		} domu;
		struct {
			u32 info_off,
			    info_size; /* of struct dom0_vga, from the start of this structure */
		} dom0;
	} console;
	unsigned long pt_base, nr_pt_frames; /* pt_base: virtual address */
	unsigned long mfn_list;              /* virtual address of the p2m */
	unsigned long mod_start, mod_len;    /* initramfs; a pfn with START_MOD_PFN */
	char cmdline[1024];
	unsigned long first_p2m_pfn, nr_p2m_frames;
};

/* The screen that the boot loader left. */
struct dom0_vga {
	u8 type;
	union {
		struct {
			u16 font_height, cursor_x, cursor_y, rows, columns;
		} text;
		struct {
			u16 width, height, bytes_per_line, bits_per_pixel;
			u32 base, size; /* size: units of 64 KiB */
			u8 red_at, red_bits, green_at, green_bits, blue_at, blue_bits, pad0, pad1;
			u32 capabilities;
			u16 attributes, pad2;
			u32 base_high;
		} lfb;
	} u;
};

enum { VGA_TEXT = 0x03, VGA_FRAMEBUFFER = 0x23, VGA_FRAMEBUFFER_EFI = 0x70 };

#define START_PRIVILEGED 1u
#define START_INITDOMAIN 2u
#define START_MOD_PFN    8u

/* XEN_SCHED_OP */
enum { SCHED_YIELD = 0, SCHED_BLOCK = 1, SCHED_SHUTDOWN = 2, SCHED_POLL = 3 };
enum shutdown_reason { SHUTDOWN_POWEROFF, SHUTDOWN_REBOOT, SHUTDOWN_SUSPEND, SHUTDOWN_CRASH };

/* XEN_EVENT_CHANNEL_OP */
enum {
	EVTCHN_BIND_INTERDOMAIN = 0,
	EVTCHN_BIND_VIRQ = 1,
	EVTCHN_BIND_PIRQ = 2,
	EVTCHN_CLOSE = 3,
	EVTCHN_SEND = 4,
	EVTCHN_ALLOC_UNBOUND = 6,
	EVTCHN_UNMASK = 9,
};
enum { VIRQ_TIMER = 0, VIRQ_CONSOLE = 2, VIRQ_DOM_EXC = 3 };

struct evtchn_interdomain {
	domid_t remote;
	u32 remote_port;
	u32 port; /* out */
};

struct evtchn_virq {
	u32 virq, vcpu;
	u32 port; /* out */
};

struct evtchn_pirq {
	u32 pirq, flags;
	u32 port; /* out */
};

struct evtchn_unbound {
	domid_t dom, remote;
	u32 port; /* out */
};

/* XEN_GRANT_TABLE_OP, table version 1 */
enum { GNTTAB_MAP = 0, GNTTAB_UNMAP = 1, GNTTAB_SETUP = 2, GNTTAB_COPY = 5, GNTTAB_QUERY_SIZE = 6 };

struct grant_entry {
	u16 flags;
	domid_t dom;
	u32 frame;
};

enum { GRANT_PERMIT = 1, GRANT_READONLY = 4, GRANT_READING = 8, GRANT_WRITING = 16 };

struct gnttab_setup {
	domid_t dom;
	u32 frames;
	s16 status;
	HANDLE(unsigned long) list;
};

struct gnttab_map {
	u64 addr;
	u32 flags;
	gref_t ref;
	domid_t dom;
	s16 status;
	u32 handle;
	u64 bus;
};

enum { MAP_HOST = 2, MAP_READONLY = 4 };

struct gnttab_unmap {
	u64 addr, bus;
	u32 handle;
	s16 status;
};

struct gnttab_copy {
	struct gnttab_end {
		union {
			gref_t ref;
			unsigned long gmfn;
		} u;
		domid_t dom;
		u16 offset;
	} source, dest;
	u16 len, flags;
	s16 status;
};

enum { COPY_SOURCE_GREF = 1, COPY_DEST_GREF = 2 };

/* XEN_MMU_UPDATE, XEN_MMUEXT_OP, XEN_UPDATE_VA_MAPPING */
struct mmu_update {
	u64 ptr; /* machine address of the entry | kind */
	u64 val;
};

enum { MMU_NORMAL = 0, MMU_MACHPHYS = 1 };

struct mmuext_op {
	u32 cmd;
	union {
		mfn_t mfn;
		unsigned long va;
	} arg1;
	union {
		u32 count;
		const void *mask;
	} arg2;
};

enum {
	MMUEXT_PIN_L1 = 0,
	MMUEXT_PIN_L3 = 2,
	MMUEXT_PIN_L4 = 3,
	MMUEXT_UNPIN = 4,
	MMUEXT_NEW_BASEPTR = 5,
	MMUEXT_TLB_FLUSH = 6,
	MMUEXT_INVLPG = 7,
	MMUEXT_NEW_USER_BASEPTR = 15,
};

enum { UVMF_TLB_FLUSH = 1, UVMF_INVLPG = 2 };

/* XEN_MEMORY_OP */
enum {
	MEM_INCREASE_RESERVATION = 0,
	MEM_DECREASE_RESERVATION = 1,
	MEM_POPULATE_PHYSMAP = 6,
	MEM_CURRENT_RESERVATION = 3,
	MEM_MAXIMUM_RESERVATION = 4,
};

struct memory_reservation {
	HANDLE(unsigned long) extents;
	unsigned long count;
	u32 order, flags;
	domid_t dom;
};

enum { VERSION_VERSION = 0, VERSION_EXTRAVERSION = 1, VERSION_FEATURES = 6 };
enum { CONSOLE_WRITE = 0, CONSOLE_READ = 1 };

#endif
