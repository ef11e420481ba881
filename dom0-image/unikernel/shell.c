/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell.h"

#include "commands.h"
#include "console.h"
#include "event.h"
#include "terminal.h"

#include <stdio.h>
#include <string.h>

#define PROMPT "dom0> "
#define ERASE  "\r\033[K" /* the line, on any terminal since the VT100 (ECMA-48, EL) */
#define DETACH 0x1d       /* Ctrl-] */

static char line[256];
static size_t length;
static bool prompting;

/* A command may wait, and serve events meanwhile. What is typed then comes after it. */
static bool running;
static char ahead[64];
static size_t ahead_count;

static void catch_up(void *data);
static struct timer catch_up_timer = {.fn = catch_up};

static void prompt(void)
{
	prompting = true;
	console_write(PROMPT, strlen(PROMPT));
	console_write(line, length);
}

void notice(const char *format, ...)
{
	bool shown = prompting && !terminal_attached();
	va_list list;

	if (shown)
		console_write(ERASE, strlen(ERASE));
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	if (shown)
		prompt();
}

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
		prompting = false;
		running = true;
		run();
		running = false;
		timer_set(&catch_up_timer, now());
		length = 0;
		if (!terminal_attached())
			prompt();
	} else if ((c == '\b' || c == 0x7f) && length) {
		length--;
		console_write("\b \b", 3);
	} else if (c >= ' ' && c < 0x7f && length < sizeof(line) - 1) {
		line[length++] = c;
		console_write(&c, 1);
	}
}

void shell_type(char c)
{
	struct terminal *terminal = terminal_attached();

	if (running) {
		if (ahead_count < sizeof(ahead))
			ahead[ahead_count++] = c;
	} else if (!terminal) {
		key(c);
	} else if (c == DETACH) {
		terminal_attach(NULL);
		console_write("\n", 1);
		prompt();
	} else {
		terminal_type(terminal, &c, 1);
	}
}

static void typed(void *data)
{
	char keys[64];
	size_t count;

	(void)data;
	while (!running && (count = console_read(keys, sizeof(keys))))
		for (size_t i = 0; i < count; i++)
			shell_type(keys[i]);
}

static void catch_up(void *data)
{
	char keys[sizeof(ahead)];
	size_t count = ahead_count;

	memcpy(keys, ahead, count);
	ahead_count = 0;
	for (size_t i = 0; i < count; i++)
		shell_type(keys[i]);
	typed(data);
}

void shell_start(void)
{
	console_on_input(typed, NULL);
	prompt();
	typed(NULL);
}
