/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control shell on dom0's console. */
#ifndef DOM0_SHELL_H
#define DOM0_SHELL_H

#include "types.h"

void shell_start(void);
/* Take a key from wherever it is typed; before shell_start() too. */
void shell_type(char c);

/* Print a line between what is being typed: the prompt moves out of the way. */
void notice(const char *format, ...) PRINTF(1, 2);

#endif
