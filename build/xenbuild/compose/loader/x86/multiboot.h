/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The information structures: multiboot 1 spec 0.6.96 section 3.3, multiboot 2 spec 2.0
 * section 3.6, Xen's public/arch-x86/hvm/start_info.h. */
#ifndef LOADER_MULTIBOOT_H
#define LOADER_MULTIBOOT_H

#include "types.h"

#define MB1_BOOT_MAGIC 0x2badb002
#define MB2_BOOT_MAGIC 0x36d76289
#define PVH_BOOT_MAGIC 0x336ec578

#define MB1_HAS_MEMORY      (1u << 0)
#define MB1_HAS_CMDLINE     (1u << 2)
#define MB1_HAS_MODULES     (1u << 3)
#define MB1_HAS_MMAP        (1u << 6)
#define MB1_HAS_LOADER_NAME (1u << 9)
#define MB1_HAS_VBE         (1u << 11)
#define MB1_HAS_FRAMEBUFFER (1u << 12)

struct mb1_info {
	u32 flags;
	u32 mem_lower, mem_upper;
	u32 boot_device;
	u32 cmdline;
	u32 mods_count, mods_addr;
	u32 syms[4];
	u32 mmap_length, mmap_addr;
	u32 drives_length, drives_addr;
	u32 config_table;
	u32 boot_loader_name;
	u32 apm_table;
	u32 vbe_control_info, vbe_mode_info;
	u16 vbe_mode, vbe_interface_seg, vbe_interface_off, vbe_interface_len;
	u64 framebuffer_addr;
	u32 framebuffer_pitch, framebuffer_width, framebuffer_height;
	u8 framebuffer_bpp, framebuffer_type;
	u8 color_info[6];
} __attribute__((packed));

struct mb1_module {
	u32 start, end, cmdline, reserved;
};

/* `size` counts what follows it. */
struct mb1_mmap {
	u32 size;
	u64 start, length;
	u32 type;
} __attribute__((packed));

enum mb2_type {
	MB2_END = 0,
	MB2_CMDLINE = 1,
	MB2_LOADER_NAME = 2,
	MB2_MODULE = 3,
	MB2_BASIC_MEMORY = 4,
	MB2_MMAP = 6,
	MB2_VBE = 7,
	MB2_FRAMEBUFFER = 8,
	MB2_APM = 10,
	MB2_EFI32 = 11,
	MB2_EFI64 = 12,
	MB2_SMBIOS = 13,
	MB2_ACPI_OLD = 14,
	MB2_ACPI_NEW = 15,
	MB2_EFI_MMAP = 17,
};

#define FRAMEBUFFER_TEXT 2 /* EGA text mode, in both protocols */

struct mb2_info {
	u32 total_size, reserved;
};

/* Every tag starts at a multiple of 8; `size` is without the padding. */
struct mb2_tag {
	u32 type, size;
};

struct mb2_module {
	struct mb2_tag tag;
	u32 start, end;
	char cmdline[];
};

struct mb2_basic_memory {
	struct mb2_tag tag;
	u32 lower, upper; /* KiB from 0 and from 1 MiB */
};

struct mb2_mmap_entry {
	u64 start, length;
	u32 type, reserved;
};

struct mb2_mmap {
	struct mb2_tag tag;
	u32 entry_size, entry_version;
};

struct mb2_vbe {
	struct mb2_tag tag;
	u16 mode, interface_seg, interface_off, interface_len;
	u8 control_info[512], mode_info[256];
};

struct mb2_framebuffer {
	struct mb2_tag tag;
	u64 addr;
	u32 pitch, width, height;
	u8 bpp, type;
	u16 reserved;
	u8 color_info[6];
} __attribute__((packed));

struct pvh_info {
	u32 magic, version, flags, nr_modules;
	u64 modlist, cmdline, rsdp;
	u64 memmap; /* from version 1 on */
	u32 memmap_entries, reserved;
};

struct pvh_module {
	u64 start, size, cmdline, reserved;
};

struct pvh_mmap {
	u64 start, size;
	u32 type, reserved;
};

#endif
