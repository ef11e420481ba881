/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A clock: it says the seconds since its start, and the date's seconds, until `seconds=N` have
 * passed. */
#include "base.h"
#include "event.h"
#include "manage.h"
#include "xs.h"

#include <stdio.h>
#include <stdlib.h>

enum shutdown_reason main(void)
{
	char value[32];
	u64 start = now();
	unsigned long last =
	    option("seconds", value, sizeof(value)) ? strtoul(value, NULL, 10) : ~0ul;

	xs_start_ring();
	manage_start(); /* dom0 may end it, save it, and change its memory */
	printf("clock: %s\n", start_info->cmdline);
	for (unsigned long second = 0; second <= last; second++) {
		sleep_until(start + second * SECOND);
		printf("clock: second %lu, %llu since 1970\n", second,
		       (unsigned long long)wall_clock());
	}
	return SHUTDOWN_POWEROFF;
}
