/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suspend.h"

#include "base.h"
#include "console.h"
#include "event.h"
#include "grant.h"
#include "hypercall.h"
#include "memory.h"

#define PER_PAGE (PAGE_SIZE / sizeof(mfn_t))

static mfn_t *lists; /* a page of frames of pages of frames of the p2m's pages */

/* public/arch-x86/xen.h, pfn_to_mfn_frame_list_list. */
static void list_frames(void)
{
	unsigned long count = pages_for(start_info->nr_pages * sizeof(mfn_t));
	unsigned long pages = pages_for(count * sizeof(mfn_t));
	mfn_t *list = lists + PER_PAGE;

	for (unsigned long i = 0; i < count; i++)
		list[i] = frame_of(page_of((void *)start_info->mfn_list) + i);
	for (unsigned long i = 0; i < pages && i < PER_PAGE; i++)
		lists[i] = frame_of(page_of(list) + i);
	shared->max_pfn = start_info->nr_pages;
	shared->frame_list_list = frame_of(page_of(lists));
}

void suspend_start(void)
{
	unsigned long count = pages_for(start_info->nr_pages * sizeof(mfn_t));

	lists = pages_alloc(1 + pages_for(count * sizeof(mfn_t)));
	if (lists)
		list_frames();
}

/* All that is not memory of ours is unmapped meanwhile: who saves us finds a page for each frame.
 * Those of the two rings are written as pages of ours, which stay what they are. */
static bool stop(void)
{
	mfn_t store = start_info->store_mfn, console = start_info->console.domu.mfn;
	u32 argument = SHUTDOWN_SUSPEND;
	bool cancelled;

	start_info->store_mfn = page_of_frame(store);
	start_info->console.domu.mfn = page_of_frame(console);
	shared_unmap();
	grants_suspend();
	cancelled = hypercall(HC_SCHED_OP, SCHED_SHUTDOWN, (unsigned long)&argument,
			      frame_of(page_of(start_info)), 0) == 1;
	shared_map();
	grants_resume(cancelled);
	if (cancelled) {
		start_info->store_mfn = store;
		start_info->console.domu.mfn = console;
	}
	return !cancelled;
}

enum suspended suspend(void)
{
	u64 before;

	if (!lists)
		return SUSPEND_FAILED;
	console_flush();
	before = now();
	if (!stop())
		return SUSPEND_CANCELLED;
	events_resume(before);
	console_resume();
	list_frames();
	return SUSPEND_RESUMED;
}
