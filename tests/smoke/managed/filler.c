/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fills its memory, so that whoever saves it needs as much, and looks whether it stays what it is.
 */
#include "base.h"
#include "event.h"
#include "manage.h"
#include "memory.h"
#include "xs.h"

#include <stdio.h>

#define PAGES 10000ul

static unsigned long *pages[PAGES], count;

enum shutdown_reason main(void)
{
	xs_start_ring();
	manage_start();
	for (; count < PAGES && pages_left() > 256 && (pages[count] = pages_alloc(1)); count++)
		pages[count][0] = count + 1;
	for (unsigned long round = 1;; round++) {
		unsigned long wrong = 0;

		for (unsigned long i = 0; i < count; i++)
			wrong += pages[i][0] != i + 1;
		printf("filler: round %lu of %lu pages, %lu wrong\n", round, count, wrong);
		sleep_until(now() + 500 * MILLISECOND);
	}
}
