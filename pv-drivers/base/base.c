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

static void unmap_shared(void)
{
	hc_update_va_mapping((unsigned long)shared_page, 0, UVMF_INVLPG);
}

static void map_shared(void)
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
	map_shared();
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

/* Where the machine's pages behind ours are written, for who saves us: public/arch-x86/xen.h,
 * pfn_to_mfn_frame_list_list. NULL if there is no memory for it. */
static mfn_t *list_frames(void)
{
	unsigned long per_page = PAGE_SIZE / sizeof(mfn_t);
	unsigned long count = pages_for(start_info->nr_pages * sizeof(mfn_t));
	unsigned long pages = pages_for(count * sizeof(mfn_t));
	mfn_t *top = pages_alloc(1 + pages), *list = top + per_page;

	if (!top)
		return NULL;
	for (unsigned long i = 0; i < count; i++)
		list[i] = frame_of(page_of((void *)start_info->mfn_list) + i);
	for (unsigned long i = 0; i < pages && i < per_page; i++)
		top[i] = frame_of(page_of(list) + i);
	return top;
}

/* All that is not memory of ours has to be unmapped meanwhile: who saves us finds a page for it. */
static bool stop(const mfn_t *lists)
{
	mfn_t store = start_info->store_mfn, console = start_info->console.domu.mfn;
	u32 argument = SHUTDOWN_SUSPEND;
	bool cancelled;

	shared->max_pfn = start_info->nr_pages;
	shared->frame_list_list = frame_of(page_of(lists));
	/* Frames of the two rings are written as pages of ours, which stay what they are. */
	start_info->store_mfn = page_of_frame(store);
	start_info->console.domu.mfn = page_of_frame(console);
	unmap_shared();
	grants_suspend();
	cancelled = hypercall(HC_SCHED_OP, SCHED_SHUTDOWN, (unsigned long)&argument,
			      frame_of(page_of(start_info)), 0) == 1;
	map_shared();
	grants_resume(cancelled);
	if (cancelled) {
		start_info->store_mfn = store;
		start_info->console.domu.mfn = console;
	}
	return !cancelled;
}

enum suspended suspend(void)
{
	mfn_t *lists = list_frames();
	u64 before;
	bool resumed;

	if (!lists)
		return SUSPEND_FAILED;
	console_flush();
	before = now();
	resumed = stop(lists);
	if (resumed) {
		events_resume(before);
		console_resume();
	}
	pages_free(lists,
		   1 + pages_for(pages_for(start_info->nr_pages * sizeof(mfn_t)) * sizeof(mfn_t)));
	return resumed ? SUSPEND_RESUMED : SUSPEND_CANCELLED;
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
