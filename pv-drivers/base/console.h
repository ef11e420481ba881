/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The domain's console: a ring that dom0 serves, or Xen's own console for dom0
 * (public/io/console.h). */
#ifndef BASE_CONSOLE_H
#define BASE_CONSOLE_H

#include "xen.h"

struct console_ring {
	char in[1024];
	char out[2048];
	u32 in_cons, in_prod;
	u32 out_cons, out_prod;
};

void console_start(void);
/* In a new domain: by the port that it has now. */
void console_resume(void);
/* Line ends become CR LF. What dom0 does not take in time is waited for. */
void console_write(const char *text, size_t size);
/* Wait until everything was taken, but not for ever. */
void console_flush(void);
/* What was typed, up to `size`; 0 if nothing was. */
size_t console_read(char *buffer, size_t size);
/* Call `fn` when something may have been typed. */
void console_on_input(void (*fn)(void *data), void *data);
/* Give `fn` all that dom0 writes as well. */
void console_copy_to(void (*fn)(const char *text, size_t size));

#endif
