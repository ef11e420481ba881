/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell.h"

#include "commands.h"
#include "console.h"
#include "terminal.h"

#include <stdio.h>
#include <string.h>

#define PROMPT "dom0> "
#define DETACH 0x1d /* Ctrl-] */

static char line[256];
static size_t length;

static void run(void)
{
	char *words[MAX_WORDS + 1];
	const char *error = "there is no such command; help lists them";
	u32 count = 0;

	line[length] = 0;
	for (char *at = line; *at && count <= MAX_WORDS;) {
		at += strspn(at, " ");
		if (!*at)
			break;
		words[count++] = at;
		at += strcspn(at, " ");
		if (*at)
			*at++ = 0;
	}
	if (!count)
		return;
	for (u32 i = 0; i < command_count; i++) {
		if (strcmp(commands[i].name, words[0]))
			continue;
		if (count - 1 < commands[i].least) {
			printf("usage: %s %s\n", commands[i].name, commands[i].words);
			return;
		}
		error = commands[i].run(words + 1, count - 1);
		break;
	}
	if (error)
		printf("%s: %s\n", words[0], error);
}

static void key(char c)
{
	if (c == '\r' || c == '\n') {
		console_write("\n", 1);
		run();
		length = 0;
		if (!terminal_attached())
			console_write(PROMPT, strlen(PROMPT));
	} else if ((c == '\b' || c == 0x7f) && length) {
		length--;
		console_write("\b \b", 3);
	} else if (c >= ' ' && c < 0x7f && length < sizeof(line) - 1) {
		line[length++] = c;
		console_write(&c, 1);
	}
}

static void typed(void *data)
{
	char keys[64];
	size_t count;

	(void)data;
	while ((count = console_read(keys, sizeof(keys))))
		for (size_t i = 0; i < count; i++) {
			struct terminal *terminal = terminal_attached();

			if (!terminal) {
				key(keys[i]);
			} else if (keys[i] == DETACH) {
				terminal_attach(NULL);
				printf("\n" PROMPT);
			} else {
				terminal_type(terminal, &keys[i], 1);
			}
		}
}

void shell_start(void)
{
	console_on_input(typed, NULL);
	console_write(PROMPT, strlen(PROMPT));
	typed(NULL);
}
