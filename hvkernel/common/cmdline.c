/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmdline.h"
#include "lib.h"

char cmdline[1024];

const char *dom0_words = "";

void cmdline_split(void)
{
	for (char *at = cmdline; *at; at++)
		if (!strncmp(at, "-- ", 3) && (at == cmdline || at[-1] == ' ')) {
			*at = 0;
			dom0_words = at + 3;
			return;
		}
}

static const char *find(const char *name)
{
	size_t length = strlen(name);

	for (const char *at = cmdline; *at; at++) {
		bool begins = at == cmdline || at[-1] == ' ';

		if (begins && !strncmp(at, name, length) &&
		    (at[length] == '=' || at[length] == ' ' || !at[length]))
			return at + length;
	}
	return NULL;
}

bool cmdline_value(const char *name, char *value, size_t size)
{
	const char *at = find(name);

	if (!at || *at != '=')
		return false;
	for (at++; *at && *at != ' ' && size > 1; size--)
		*value++ = *at++;
	*value = 0;
	return true;
}

bool cmdline_has(const char *word)
{
	return find(word) != NULL;
}

u64 cmdline_bytes(const char *name, u64 otherwise)
{
	char text[32];
	const char *end;
	u64 value;

	if (!cmdline_value(name, text, sizeof(text)))
		return otherwise;
	value = parse_number(text, &end);
	switch (*end | 32) {
	case 'b':
		return value;
	case 'm':
		return value << 20;
	case 'g':
		return value << 30;
	default:
		return value << 10;
	}
}
