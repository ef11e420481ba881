/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen's text and the keyboard's codes: what is known of them, then anything at all. */
#include "check.h"
#include "font.h"
#include "keys.h"
#include "text.h"

#include <string.h>

static void write_text(struct text *text, const char *from)
{
	text_write(text, from, strlen(from));
}

static void shows(const struct text *text, u32 row, const char *line)
{
	const char *cells = text->cells + (size_t)row * text->columns;

	CHECK(!memcmp(cells, line, strlen(line)));
	for (size_t x = strlen(line); x < text->columns; x++)
		CHECK(cells[x] == ' ');
}

static void known_text(void)
{
	char *cells = malloc(10 * 3);
	struct text text;

	text_start(&text, 10, 3, cells);
	write_text(&text, "one\ntwo\rT\n12345678901");
	shows(&text, 0, "Two");
	shows(&text, 1, "1234567890"); /* ten, the eleventh on a new line */
	shows(&text, 2, "1");
	write_text(&text, "\b\b\x1b[0;1mx\r\n\ta\x07\x1b[K");
	shows(&text, 1, "x");
	shows(&text, 2, "        a");
	write_text(&text, "\r\x1b[Kb");
	shows(&text, 2, "b");
	CHECK(text.x == 1 && text.y == 2);
	free(cells);
}

static void random_text(void)
{
	static const char likely[] = "\n\r\b\t\x1b[Km0;";
	u32 columns = 1 + pick(20), rows = 1 + pick(6);
	char *cells = malloc(columns * rows); /* of just the size: the sanitizer sees every step */
	struct text text;

	text_start(&text, columns, rows, cells);
	for (u32 i = 0; i < 3000; i++) {
		char c = (char)(pick(2) ? pick(256) : (u32)likely[pick(sizeof(likely) - 1)]);

		text_write(&text, &c, 1);
		CHECK(text.x <= columns && text.y < rows);
	}
	for (u32 i = 0; i < columns * rows; i++)
		CHECK((u8)cells[i] >= ' ' && cells[i] != 0x7f);
	free(cells);
}

/* What a row of codes types. */
static void types(const u8 *codes, size_t count, const char *expected)
{
	struct key_reader reader = {0};
	struct key_state state = {0};
	char typed[16] = "";
	size_t length = 0;

	for (size_t i = 0; i < count; i++) {
		bool pressed = false;
		u32 keycode = key_read(&reader, codes[i], &pressed);
		char c = keycode ? key_type(&state, keycode, pressed) : 0;

		if (c)
			typed[length++] = c;
	}
	CHECK(!strcmp(typed, expected));
}

static void known_keys(void)
{
	static const u8 letters[] = {0x1e, 0x9e, 0x2a, 0x1e, 0x9e, 0x02, 0xaa, 0x30, 0x1c};
	static const u8 caps[] = {0x3a, 0xba, 0x1e, 0x02, 0x2a, 0x1e, 0xaa, 0x3a, 0x1e};
	static const u8 control[] = {0x1d, 0x1b, 0x9d, 0xe0, 0x1d, 0x1e, 0xe0, 0x9d, 0x39};
	static const u8 others[] = {0xe0, 0x48, 0xe1, 0x1d, 0x45, 0xe1,
				    0x9d, 0xc5, 0xe0, 0x1c, 0x35};

	types(letters, sizeof(letters), "aA!b\r");
	types(caps, sizeof(caps), "A1aa");
	types(control, sizeof(control), "\x1d\x01 ");
	types(others, sizeof(others), "\r/");
}

static void random_keys(void)
{
	struct key_reader reader = {0};
	struct key_state state = {0};

	for (u32 i = 0; i < 100000; i++) {
		bool pressed = false;
		u32 keycode = key_read(&reader, (u8)pick(256), &pressed);

		CHECK(keycode < KEYS);
		key_type(&state, pick(3) ? keycode : pick(1024), pressed);
	}
}

static void glyphs(void)
{
	for (int c = -128; c < 128; c++)
		for (u32 line = 0; line < CELL_HEIGHT; line++)
			CHECK(!(font_line((char)c, line) & 1)); /* letters do not touch */
}

int main(int argc, char **argv)
{
	seed_from(argc, argv);
	known_text();
	for (u32 i = 0; i < 200; i++)
		random_text();
	known_keys();
	random_keys();
	glyphs();
	return 0;
}
