/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "manage.h"

#include "base.h"
#include "event.h"
#include "hypercall.h"
#include "memory.h"
#include "pagetable.h"
#include "suspend.h"
#include "xenbus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHUTDOWN_NODE "control/shutdown"
#define TARGET_NODE   "memory/target"

static pfn_t *given_back; /* pages of ours that have no memory */
static unsigned long given_count;

static mfn_t *frame_entry(pfn_t pfn)
{
	return (mfn_t *)start_info->mfn_list + pfn;
}

static long reserve(unsigned int command, unsigned long *extent)
{
	struct memory_reservation one = {.extents = extent, .count = 1, .dom = DOMID_SELF};

	return hypercall(HC_MEMORY_OP, command, (unsigned long)&one, 0, 0);
}

/* A page that nothing uses goes to Xen. */
static bool give_back(void)
{
	void *page = pages_alloc(1);
	mfn_t frame;

	if (!page)
		return false;
	frame = frame_of(page_of(page));
	hc_update_va_mapping((unsigned long)page, 0, UVMF_INVLPG);
	if (reserve(MEM_DECREASE_RESERVATION, &frame) != 1)
		panic("Xen takes no memory back");
	*frame_entry(page_of(page)) = ~0ul;
	given_back[given_count++] = page_of(page);
	return true;
}

static bool take_again(void)
{
	pfn_t pfn = given_back[given_count - 1];
	unsigned long extent = pfn; /* in: which page, out: its frame */

	if (reserve(MEM_POPULATE_PHYSMAP, &extent) != 1)
		return false;
	*frame_entry(pfn) = extent;
	if (hc_update_va_mapping((unsigned long)page_va(pfn),
				 (u64)extent << PAGE_SHIFT | PTE_KERNEL, UVMF_INVLPG))
		panic("memory cannot be mapped");
	given_count--;
	pages_free(page_va(pfn), 1);
	return true;
}

/* As near to the target as what is free here and there allows. */
static void balloon(void *data, const char *path)
{
	unsigned long kib, wanted;

	(void)data, (void)path;
	if (xs_read_number(XS_NO_TX, TARGET_NODE, &kib))
		return;
	wanted = kib / (PAGE_SIZE >> 10);
	if (!given_back)
		given_back = malloc(start_info->nr_pages * sizeof(*given_back));
	while (given_back && start_info->nr_pages - given_count > wanted && give_back())
		;
	while (given_count && start_info->nr_pages - given_count < wanted && take_again())
		;
}

static void sleep(void *data);
static struct timer sleep_timer = {.fn = sleep};

/* Not while a device is being connected or an answer of xenstored is on its way: neither would find
 * its way in the new domain. */
static void sleep(void *data)
{
	(void)data;
	if (xenbus_connecting() || xs_busy()) {
		timer_set(&sleep_timer, now() + 50 * MILLISECOND);
		return;
	}
	switch (suspend()) {
	case SUSPEND_FAILED:
		printf("suspend: refused, there is no memory\n");
		break;
	case SUSPEND_RESUMED:
		xs_resume_ring();
		xenbus_resume();
		break;
	case SUSPEND_CANCELLED:
		break;
	}
}

static void asked(void *data, const char *path)
{
	char what[16];

	(void)data, (void)path;
	if (xs_read(XS_NO_TX, SHUTDOWN_NODE, what, sizeof(what)) <= 0)
		return;
	xs_write(XS_NO_TX, SHUTDOWN_NODE, ""); /* heard */
	if (!strcmp(what, "poweroff") || !strcmp(what, "halt"))
		shutdown(SHUTDOWN_POWEROFF);
	if (!strcmp(what, "reboot"))
		shutdown(SHUTDOWN_REBOOT);
	if (!strcmp(what, "suspend"))
		sleep(NULL);
}

static struct xs_watch shutdown_watch = {.path = SHUTDOWN_NODE, .fn = asked};
static struct xs_watch target_watch = {.path = TARGET_NODE, .fn = balloon};

void manage_start(void)
{
	suspend_start();
	xs_watch(&shutdown_watch);
	xs_watch(&target_watch);
}
