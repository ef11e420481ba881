/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of Xen's guest ABI that no arch changes: numbers and layouts of public/xen.h, sched.h,
 * vcpu.h and version.h. */
#ifndef HV_ABI_XEN_H
#define HV_ABI_XEN_H

#include "types.h"
#include "abi/arch.h"

enum hypercall {
	HC_set_trap_table = 0,
	HC_mmu_update = 1,
	HC_set_gdt = 2,
	HC_stack_switch = 3,
	HC_set_callbacks = 4,
	HC_fpu_taskswitch = 5,
	HC_sched_op_compat = 6,
	HC_set_debugreg = 8,
	HC_get_debugreg = 9,
	HC_update_descriptor = 10,
	HC_memory_op = 12,
	HC_multicall = 13,
	HC_update_va_mapping = 14,
	HC_set_timer_op = 15,
	HC_xen_version = 17,
	HC_console_io = 18,
	HC_grant_table_op = 20,
	HC_vm_assist = 21,
	HC_update_va_mapping_otherdomain = 22,
	HC_iret = 23,
	HC_vcpu_op = 24,
	HC_set_segment_base = 25,
	HC_mmuext_op = 26,
	HC_nmi_op = 28,
	HC_sched_op = 29,
	HC_callback_op = 30,
	HC_event_channel_op = 32,
	HC_physdev_op = 33,
	HC_hvm_op = 34,
	HC_sysctl = 35,
	HC_domctl = 36,
	HYPERCALLS = 64,
};

#define DOMID_FIRST_RESERVED 0x7ff0
#define DOMID_SELF           0x7ff0
#define DOMID_IO             0x7ff1
#define DOMID_XEN            0x7ff2
#define DOMID_INVALID        0x7ff4
#define DOMID_IDLE           0x7fff

#define VIRQ_TIMER   0
#define VIRQ_DEBUG   1
#define VIRQ_CONSOLE 2
#define VIRQ_DOM_EXC 3
#define NR_VIRQS     24

#define LEGACY_MAX_VCPUS 32

struct vcpu_time_info {
	u32 version;
	u32 pad0;
	u64 tsc_timestamp;
	u64 system_time;
	u32 tsc_to_system_mul;
	s8_t tsc_shift;
	u8 flags;
	u8 pad1[2];
};

struct vcpu_info {
	u8 upcall_pending;
	u8 upcall_mask;
	ulong pending_sel;
	struct arch_vcpu_info arch;
	struct vcpu_time_info time;
};

struct shared_info {
	struct vcpu_info vcpu_info[LEGACY_MAX_VCPUS];
	ulong evtchn_pending[BITS_PER_LONG];
	ulong evtchn_mask[BITS_PER_LONG];
	u32 wc_version, wc_sec, wc_nsec;
	ARCH_SHARED_INFO
};

#define SIF_PRIVILEGED    1
#define SIF_INITDOMAIN    2
#define SIF_MULTIBOOT_MOD 4
#define SIF_MOD_START_PFN 8

struct start_info {
	char magic[32];
	ulong nr_pages;
	ulong shared_info; /* machine address */
	u32 flags;
	ulong store_mfn;
	u32 store_evtchn;
	union {
		struct {
			ulong mfn;
			u32 evtchn;
		} domu;
		struct {
			u32 info_off, info_size;
		} dom0;
	} console;
	ulong pt_base;
	ulong nr_pt_frames;
	ulong mfn_list;
	ulong mod_start;
	ulong mod_len;
	char cmd_line[1024];
	ulong first_p2m_pfn;
	ulong nr_p2m_frames;
};

/* The screen that the boot loader left, behind dom0's start_info. */
struct dom0_vga_console_info {
	u8 video_type;
	union {
		struct {
			u16 font_height, cursor_x, cursor_y, rows, columns;
		} text_mode_3;
		struct {
			u16 width, height, bytes_per_line, bits_per_pixel;
			u32 lfb_base, lfb_size; /* size: units of 64 KiB */
			u8 red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
			u8 rsvd_pos, rsvd_size;
			u32 gbl_caps;
			u16 mode_attrs, pad;
			u32 ext_lfb_base; /* high half */
		} vesa_lfb;
	} u;
};

#define VGATYPE_TEXT_MODE_3 0x03
#define VGATYPE_VESA_LFB    0x23

struct multicall_entry {
	ulong op, result;
	ulong args[6];
};

#define CONSOLEIO_write 0
#define CONSOLEIO_read  1

enum {
	SCHEDOP_yield,
	SCHEDOP_block,
	SCHEDOP_shutdown,
	SCHEDOP_poll,
	SCHEDOP_remote_shutdown,
	SCHEDOP_shutdown_code,
	SCHEDOP_watchdog
};
enum { SHUTDOWN_poweroff, SHUTDOWN_reboot, SHUTDOWN_suspend, SHUTDOWN_crash, SHUTDOWN_MAX = 5 };

struct sched_poll {
	ulong ports; /* guest address of u32[] */
	u32 nr_ports;
	u64 timeout;
};

struct sched_remote_shutdown {
	domid_t domain;
	u32 reason;
};

#define VMASST_enable               0
#define VMASST_disable              1
#define VMASST_pae_extended_cr3     3
#define VMASST_architectural_iopl   4
#define VMASST_runstate_update_flag 5

enum {
	VCPUOP_initialise,
	VCPUOP_up,
	VCPUOP_down,
	VCPUOP_is_up,
	VCPUOP_get_runstate_info,
	VCPUOP_register_runstate,
	VCPUOP_set_periodic_timer,
	VCPUOP_stop_periodic_timer,
	VCPUOP_set_singleshot_timer,
	VCPUOP_stop_singleshot_timer,
	VCPUOP_register_vcpu_info,
	VCPUOP_send_nmi,
	VCPUOP_get_physid,
	VCPUOP_register_time
};
enum { RUNSTATE_running, RUNSTATE_runnable, RUNSTATE_blocked, RUNSTATE_offline };
#define RUNSTATE_UPDATE (1ull << 63)

struct runstate_info {
	int state;
	u64 state_entry_time;
	u64 time[4];
};

struct singleshot_timer {
	u64 timeout_abs_ns;
	u32 flags;
};

struct register_vcpu_info {
	u64 mfn;
	u32 offset, rsvd;
};

enum {
	XENVER_version,
	XENVER_extraversion,
	XENVER_compile_info,
	XENVER_capabilities,
	XENVER_changeset,
	XENVER_platform_parameters,
	XENVER_get_features,
	XENVER_pagesize,
	XENVER_guest_handle,
	XENVER_commandline
};
enum {
	XENFEAT_writable_page_tables,
	XENFEAT_pae_pgdir_above_4gb = 4,
	XENFEAT_preserve_ad = 5,
	XENFEAT_gnttab_map_avail_bits = 7,
	XENFEAT_dom0 = 11
};

struct feature_info {
	u32 submap_idx, submap;
};

/* Notes of guest kernels (public/elfnote.h). */
enum {
	NOTE_ENTRY = 1,
	NOTE_HYPERCALL_PAGE = 2,
	NOTE_VIRT_BASE = 3,
	NOTE_PADDR_OFFSET = 4,
	NOTE_XEN_VERSION = 5,
	NOTE_GUEST_OS = 6,
	NOTE_LOADER = 8,
	NOTE_PAE_MODE = 9,
	NOTE_FEATURES = 10,
	NOTE_INIT_P2M = 15,
	NOTE_MOD_START_PFN = 16,
	NOTE_PHYS32_ENTRY = 18
};

#endif
