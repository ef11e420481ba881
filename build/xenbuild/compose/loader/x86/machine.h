/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the boot loader told us, whichever protocol it spoke; the tags of `extra` are ready for
 * multiboot 2. */
#ifndef LOADER_MACHINE_H
#define LOADER_MACHINE_H

#include "types.h"

#define MAX_RANGES  256
#define MAX_MODULES 16
#define TYPE_RAM    1 /* the same number in multiboot 1 and 2, E820 and hvm_memmap_table_entry */

struct range {
	u64 start, size;
	u32 type;
};

struct module {
	u32 start, end;
	const char *cmdline;
};

struct machine {
	const char *loader;  /* the boot loader's name */
	const char *cmdline; /* as it was given */
	bool cmdline_has_file;
	bool firmware_is_uefi;
	const char *hypervisor_words; /* more of them that this machine needs, or "" */
	char dom0_words[32];          /* likewise */
	u32 range_count;
	struct range ranges[MAX_RANGES];
	u32 module_count;
	struct module modules[MAX_MODULES];
	u8 extra[2048]; /* VBE, framebuffer, APM, SMBIOS, ACPI */
	u32 extra_size;
};

/* Fills `m` from the information at `info`; false if `magic` names no protocol that we know. */
bool machine_read(struct machine *m, u32 magic, u32 info);

/* "GNU GRUB 0.97" gives the file's name first on a command line, "GRUB 2.06" does not. */
bool loader_is_grub2(const char *loader);

/* Is [start, end) usable memory, all of it? */
bool machine_has_ram(const struct machine *m, u64 start, u64 end);

/* The end of the highest usable memory below 4 GiB. */
u64 machine_ram_end(const struct machine *m);

#endif
