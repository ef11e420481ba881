/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keys.h"

#define RELEASED 0x80u
#define EXTENDED 0xe0u
#define PAUSE    0xe1u /* two codes follow, for a key that nobody needs */

/* Codes behind EXTENDED that are keys of their own; the others have set 1's numbers. */
static const struct {
	u8 code, keycode;
} extended[] = {
    {0x1c, 96},  {0x1d, 97},  {0x35, 98},  {0x38, 100}, {0x47, 102}, {0x48, 103},
    {0x49, 104}, {0x4b, 105}, {0x4d, 106}, {0x4f, 107}, {0x50, 108}, {0x51, 109},
    {0x52, 110}, {0x53, 111}, {0x5b, 125}, {0x5c, 126}, {0x5d, 127},
};

u32 key_read(struct key_reader *reader, u8 byte, bool *pressed)
{
	u8 code = (u8)(byte & ~RELEASED);

	if (reader->skip) {
		reader->skip--;
		return 0;
	}
	if (byte == EXTENDED || byte == PAUSE) {
		reader->extended = byte == EXTENDED;
		reader->skip = byte == PAUSE ? 2 : 0;
		return 0;
	}
	*pressed = !(byte & RELEASED);
	if (!reader->extended)
		return code <= 0x58 ? code : 0;
	reader->extended = false;
	for (u32 i = 0; i < LENGTH(extended); i++)
		if (extended[i].code == code)
			return extended[i].keycode;
	return 0;
}

/* From key 1 on; a zero types nothing. */
static const char plain[] = "\0331234567890-=\b\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
    "\033!@#$%^&*()_+\b\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

_Static_assert(sizeof(plain) == sizeof(shifted), "the same keys");

char key_type(struct key_state *state, u32 keycode, bool pressed)
{
	bool letter;
	char c;

	if (keycode == KEY_SHIFT_LEFT || keycode == KEY_SHIFT_RIGHT)
		state->shift = pressed;
	if (keycode == KEY_CTRL_LEFT || keycode == KEY_CTRL_RIGHT)
		state->ctrl = pressed;
	if (keycode == KEY_CAPS_LOCK && pressed)
		state->caps = !state->caps;
	if (!pressed || !keycode || keycode >= sizeof(plain))
		return keycode == 96 && pressed ? '\r' : 0;
	c = plain[keycode - 1];
	letter = c >= 'a' && c <= 'z';
	if (state->shift != (letter && state->caps))
		c = shifted[keycode - 1];
	if (state->ctrl)
		return c >= '@' && c < 0x7f ? (char)(c & 0x1f) : 0;
	return c;
}
