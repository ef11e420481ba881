/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The consoles of guests. Whole lines appear on dom0's console with the guest's name in front; that
 * of the guest to which the keyboard is attached appears as it comes.
 */
#ifndef DOM0_TERMINAL_H
#define DOM0_TERMINAL_H

#include "console.h"
#include "event.h"

#define TERMINAL_LOG 8192u

struct terminal {
	const char *name;
	volatile struct console_ring *ring;
	port_t port;
	char line[256];
	u32 line_length;
	struct timer
	    quiet; /* an unfinished line is printed when nothing more has come for a while */
	char log[TERMINAL_LOG]; /* the last output, from log_end on */
	u32 log_end;            /* of all that ever came */
};

/* Serve a domain's console page. False if it cannot be mapped. */
bool terminal_open(struct terminal *terminal, const char *name, domid_t dom, mfn_t frame,
		   port_t port);
/* Take what is left in the page, then let it go. */
void terminal_close(struct terminal *terminal);
/* Type to the guest; what does not fit is lost. */
void terminal_type(struct terminal *terminal, const char *text, size_t size);
/* The guest whose output appears as it comes; NULL: none. */
void terminal_attach(struct terminal *terminal);
struct terminal *terminal_attached(void);
void terminal_print_log(const struct terminal *terminal);

#endif
