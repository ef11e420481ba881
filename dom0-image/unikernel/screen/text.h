/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A page of text on which one writes as on a terminal. It knows nothing of how it is shown. */
#ifndef SCREEN_TEXT_H
#define SCREEN_TEXT_H

#include "types.h"

struct text {
	u32 columns, rows;
	u32 x, y;    /* of the next character; x may be `columns`: then it begins a line */
	char *cells; /* row by row */
	enum { TEXT_PLAIN, TEXT_ESCAPE, TEXT_SEQUENCE } state;
};

/* `cells` has room for columns * rows. */
void text_start(struct text *text, u32 columns, u32 rows, char *cells);
/* Line feeds go to a line's start as well. Of the control sequences (ECMA-48) only EL is known: it
 * erases the line's rest. */
void text_write(struct text *text, const char *from, size_t size);

#endif
