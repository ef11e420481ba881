/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "text.h"

#include <string.h>

#define ESC 0x1b

void text_start(struct text *text, u32 columns, u32 rows, char *cells)
{
	*text = (struct text){.columns = columns, .rows = rows, .cells = cells};
	memset(cells, ' ', (size_t)columns * rows);
}

static void new_line(struct text *text)
{
	size_t last = (size_t)text->columns * (text->rows - 1);

	text->x = 0;
	if (text->y + 1 < text->rows) {
		text->y++;
		return;
	}
	memmove(text->cells, text->cells + text->columns, last);
	memset(text->cells + last, ' ', text->columns);
}

static void put(struct text *text, char c)
{
	if (text->x == text->columns)
		new_line(text);
	text->cells[(size_t)text->y * text->columns + text->x++] = c;
}

static void sequence(struct text *text, char c)
{
	if (c < 0x40 || c > 0x7e)
		return; /* parameters */
	text->state = TEXT_PLAIN;
	if (c == 'K')
		memset(text->cells + (size_t)text->y * text->columns + text->x, ' ',
		       text->columns - text->x);
}

static void plain(struct text *text, char c)
{
	switch (c) {
	case '\n':
		new_line(text);
		break;
	case '\r':
		text->x = 0;
		break;
	case '\b':
		text->x -= text->x > 0;
		break;
	case '\t':
		do
			put(text, ' ');
		while (text->x % 8 && text->x < text->columns);
		break;
	case ESC:
		text->state = TEXT_ESCAPE;
		break;
	default:
		if ((u8)c >= ' ' && c != 0x7f)
			put(text, c);
	}
}

void text_write(struct text *text, const char *from, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (text->state == TEXT_SEQUENCE)
			sequence(text, from[i]);
		else if (text->state == TEXT_ESCAPE)
			text->state = from[i] == '[' ? TEXT_SEQUENCE : TEXT_PLAIN;
		else
			plain(text, from[i]);
	}
}
