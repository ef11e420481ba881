/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads an ELF kernel in memory, of the arch's own class, with its Xen notes. */
#ifndef HV_ELF_H
#define HV_ELF_H

#include "types.h"

struct elf_kernel {
	const u8 *image;
	size_t size;
	bool is64;
	ulong entry, virt_base, paddr_offset, hypercall_page, init_p2m;
	bool has_hypercall_page, has_init_p2m, mod_start_pfn;
	ulong low, high; /* virtual, of what is loaded */
};

/* NULL, or what is wrong with it. */
const char *elf_read(struct elf_kernel *kernel, const u8 *image, size_t size);
/* Calls `load` for each segment with its virtual address; the rest up to memory_size is zero. */
void elf_each_load(const struct elf_kernel *kernel,
		   void (*load)(void *context, ulong va, const u8 *data, size_t file_size,
				size_t memory_size),
		   void *context);

#endif
