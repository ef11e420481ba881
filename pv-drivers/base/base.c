/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base.h"

#include "console.h"
#include "event.h"
#include "grant.h"
#include "hypercall.h"
#include "memory.h"
#include "pagetable.h"
#include "stdio.h"
#include "string.h"
#include "traps.h"

struct start_info *start_info;
volatile struct shared_info *shared;

extern char shared_page[];

void shared_unmap(void)
{
	hc_update_va_mapping((unsigned long)shared_page, 0, UVMF_INVLPG);
}

void shared_map(void)
{
	hc_update_va_mapping((unsigned long)shared_page, start_info->shared_info | PTE_KERNEL,
			     UVMF_INVLPG);
	shared->vcpu[0].upcall_mask = 1;
}

/* Called by entry.S on our own stack; events are masked and stay so (event.c). */
__attribute__((noreturn)) void base_start(struct start_info *info)
{
	start_info = info;
	shared = (volatile void *)shared_page;
	shared_map();
	traps_start();
	memory_start();
	events_start();
	grants_start();
	console_start();
	shutdown(main());
}

bool is_dom0(void)
{
	return start_info->flags & START_INITDOMAIN;
}

void shutdown(enum shutdown_reason reason)
{
	u32 argument = reason;

	console_flush();
	for (;;)
		hypercall(HC_SCHED_OP, SCHED_SHUTDOWN, (unsigned long)&argument, 0, 0);
}

void panic(const char *why)
{
	printf("panic: %s\n", why);
	shutdown(SHUTDOWN_CRASH);
}

bool option(const char *name, char *buffer, size_t size)
{
	return option_in(start_info->cmdline, name, buffer, size);
}

bool option_in(const char *words, const char *name, char *buffer, size_t size)
{
	const char *at = words;
	size_t length = strlen(name);

	while (*at) {
		size_t word = strcspn(at, " ");

		if (word > length && !strncmp(at, name, length) && at[length] == '=') {
			snprintf(buffer, size, "%.*s", (int)(word - length - 1), at + length + 1);
			return true;
		}
		at += word;
		while (*at == ' ')
			at++;
	}
	return false;
}
