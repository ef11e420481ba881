/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a unikernel has from its first line on. It defines main() and never needs to return from it.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include "xen.h"

extern struct start_info *start_info;
extern volatile struct shared_info *shared;

/* Where `shared` points to, by start_info; nothing lies there in between. */
void shared_map(void);
void shared_unmap(void);

/* The program. What it returns is the reason of the domain's end. */
enum shutdown_reason main(void);

/* Whether this is dom0: Xen gave it the machine. */
bool is_dom0(void);

__attribute__((noreturn)) void shutdown(enum shutdown_reason reason);
__attribute__((noreturn)) void panic(const char *why);

/* The value of `name=value` on the command line in `buffer`; false if it is not there. */
bool option(const char *name, char *buffer, size_t size);
/* The same in any words between blanks. */
bool option_in(const char *words, const char *name, char *buffer, size_t size);

#endif
