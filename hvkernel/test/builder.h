/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains that dom0 builds. */
#ifndef TEST_BUILDER_H
#define TEST_BUILDER_H

#include "guest.h"
#include "elf.h"

#define PAGES_MAX 16384

struct domu {
	domid_t id;
	ulong pages;
	ulong *mfns; /* by pfn, until the next domain is built */
	struct elf_kernel kernel;
	ulong base, p2m, info, console, tables, table_count, stack, end;
};

extern struct domctl op; /* of the last control() */

long control(u32 cmd, domid_t id);
/* A domain of the module's kernel, with the command line `words`, that runs. */
bool build(struct domu *d, ulong pages, unsigned int vcpus, const char *words);
/* Maps a frame of another domain in place of what `at` has. */
long map_foreign(const void *at, domid_t id, ulong mfn);
/* What getdomaininfo's flags say at its end; 0: it goes on, or there is no such domain. */
u32 wait_for(domid_t id, unsigned int rounds);
u64 free_pages(void);
void press(char key, u32 times); /* a debug key of the hypervisor */

#endif
