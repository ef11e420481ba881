/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a unikernel has from its first line on. It defines main() and never needs to return from it.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include "xen.h"

extern struct start_info *start_info;
extern volatile struct shared_info *shared;

/* The program. What it returns is the reason of the domain's end. */
enum shutdown_reason main(void);

/* Whether this is dom0: Xen gave it the machine. */
bool is_dom0(void);

__attribute__((noreturn)) void shutdown(enum shutdown_reason reason);
enum suspended { SUSPEND_FAILED, SUSPEND_CANCELLED, SUSPEND_RESUMED };

/*
 * Stop until dom0 has made a domain of what is saved (resumed: what base knows of the domain, its
 * ports, grants and console, is as new; drivers see to theirs), or lets this one go on (cancelled:
 * nothing has changed). It fails if there is no memory for it.
 */
enum suspended suspend(void);
__attribute__((noreturn)) void panic(const char *why);

/* The value of `name=value` on the command line in `buffer`; false if it is not there. */
bool option(const char *name, char *buffer, size_t size);
/* The same in any words between blanks. */
bool option_in(const char *words, const char *name, char *buffer, size_t size);

#endif
