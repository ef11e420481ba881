/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The information structures: multiboot 1 spec 0.6.96 section 3.3, multiboot 2 spec 2.0
 * section 3.6, Xen's public/arch-x86/hvm/start_info.h. */
#ifndef XENBUILD_MULTIBOOT_H
#define XENBUILD_MULTIBOOT_H

#include "types.h"

#define MB1_BOOT_MAGIC 0x2badb002
#define MB2_BOOT_MAGIC 0x36d76289
#define PVH_BOOT_MAGIC 0x336ec578

#define MB1_HAS_MEMORY      (1u << 0)
#define MB1_HAS_CMDLINE     (1u << 2)
#define MB1_HAS_MODULES     (1u << 3)
#define MB1_HAS_MMAP        (1u << 6)
#define MB1_HAS_LOADER_NAME (1u << 9)
#define MB1_HAS_APM         (1u << 10)
#define MB1_HAS_VBE         (1u << 11)
#define MB1_HAS_FRAMEBUFFER (1u << 12)

struct mb1_info {
	uint32_t flags;
	uint32_t mem_lower, mem_upper;
	uint32_t boot_device;
	uint32_t cmdline;
	uint32_t mods_count, mods_addr;
	uint32_t syms[4];
	uint32_t mmap_length, mmap_addr;
	uint32_t drives_length, drives_addr;
	uint32_t config_table;
	uint32_t boot_loader_name;
	uint32_t apm_table;
	uint32_t vbe_control_info, vbe_mode_info;
	uint16_t vbe_mode, vbe_interface_seg, vbe_interface_off, vbe_interface_len;
	uint64_t framebuffer_addr;
	uint32_t framebuffer_pitch, framebuffer_width, framebuffer_height;
	uint8_t framebuffer_bpp, framebuffer_type;
	uint8_t color_info[6];
} __attribute__((packed));

struct mb1_module {
	uint32_t start, end, cmdline, reserved;
};

/* `size` counts what follows it. */
struct mb1_mmap {
	uint32_t size;
	uint64_t start, length;
	uint32_t type;
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
	uint32_t total_size, reserved;
};

/* Every tag starts at a multiple of 8; `size` is without the padding. */
struct mb2_tag {
	uint32_t type, size;
};

struct mb2_module {
	struct mb2_tag tag;
	uint32_t start, end;
	char cmdline[];
};

struct mb2_basic_memory {
	struct mb2_tag tag;
	uint32_t lower, upper; /* KiB from 0 and from 1 MiB */
};

struct mb2_mmap_entry {
	uint64_t start, length;
	uint32_t type, reserved;
};

struct mb2_mmap {
	struct mb2_tag tag;
	uint32_t entry_size, entry_version;
};

struct mb2_vbe {
	struct mb2_tag tag;
	uint16_t mode, interface_seg, interface_off, interface_len;
	uint8_t control_info[512], mode_info[256];
};

struct mb2_framebuffer {
	struct mb2_tag tag;
	uint64_t addr;
	uint32_t pitch, width, height;
	uint8_t bpp, type;
	uint16_t reserved;
	uint8_t color_info[6];
} __attribute__((packed));

struct pvh_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist, cmdline, rsdp;
	uint64_t memmap; /* from version 1 on */
	uint32_t memmap_entries, reserved;
};

struct pvh_module {
	uint64_t start, size, cmdline, reserved;
};

struct pvh_mmap {
	uint64_t start, size;
	uint32_t type, reserved;
};

#endif
