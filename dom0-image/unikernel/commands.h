/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the control shell can do. */
#ifndef DOM0_COMMANDS_H
#define DOM0_COMMANDS_H

#include "types.h"

#define MAX_WORDS 8u

struct command {
	const char *name, *words, *help;
	u32 least; /* words behind the name */
	/* NULL, or what went wrong. */
	const char *(*run)(char **words, u32 count);
};

extern const struct command commands[];
extern const u32 command_count;

#endif
