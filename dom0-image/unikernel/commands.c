/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include "base.h"
#include "control.h"
#include "event.h"
#include "guest.h"
#include "report.h"
#include "screen.h"
#include "top.h"
#include "xs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char no_guest[] = "there is no guest of this name";
static const char no_domain[] = "it does not run";
static const char no_number[] = "this is no number that fits";

/* The running guest that a word names. */
static struct guest *running(const char *name, const char **error)
{
	struct guest *guest = guest_find(name);

	*error = guest ? guest->running ? NULL : no_domain : no_guest;
	return *error ? NULL : guest;
}

static bool number(const char *text, u64 most, u64 *value)
{
	char *end;

	*value = strtoull(text, &end, 0);
	return end != text && !*end && *value <= most;
}

static const char *create(char **words, u32 count)
{
	struct guest *guest = guest_find(words[0]);
	const char *error = guest ? guest_create(guest) : no_guest;

	(void)count;
	if (!error)
		printf("dom0: guest %s is domain %u\n", words[0], guest->dom);
	return error;
}

static const char *destroy(char **words, u32 count)
{
	struct guest *guest = guest_find(words[0]);

	(void)count;
	return guest ? guest_destroy(guest) : no_guest;
}

static const char *ask(char **words, u32 count)
{
	struct guest *guest = guest_find(words[0]);

	return guest ? guest_ask(guest, count > 1 ? words[1] : "poweroff") : no_guest;
}

static const char *save(char **words, u32 count)
{
	struct guest *guest = guest_find(words[0]);

	return guest ? guest_save(guest, count > 1 ? words[1] : NULL) : no_guest;
}

static const char *restore(char **words, u32 count)
{
	struct guest *guest = guest_find(words[0]);
	const char *error = guest ? guest_restore(guest, count > 1 ? words[1] : NULL) : no_guest;

	if (!error)
		printf("dom0: guest %s is domain %u\n", words[0], guest->dom);
	return error;
}

static const char *pause(char **words, u32 count)
{
	const char *error;
	struct guest *guest = running(words[0], &error);

	(void)count;
	if (guest && domain_pause(guest->dom))
		error = "the hypervisor refused it";
	return error;
}

static const char *unpause(char **words, u32 count)
{
	const char *error;
	struct guest *guest = running(words[0], &error);

	(void)count;
	if (guest && domain_unpause(guest->dom))
		error = "the hypervisor refused it";
	return error;
}

static const char *console(char **words, u32 count)
{
	const char *error;
	struct guest *guest = running(words[0], &error);

	(void)count;
	if (!guest)
		return error;
	printf("dom0: console of %s; Ctrl-] leaves\n", words[0]);
	terminal_attach(&guest->terminal);
	return NULL;
}

static const char *log(char **words, u32 count)
{
	struct guest *guest = guest_find(words[0]);

	(void)count;
	if (!guest)
		return no_guest;
	terminal_print_log(&guest->terminal);
	return NULL;
}

/* A byte of a text in which \xHH stands for any; *text goes on behind it. */
static char unescaped(const char **text)
{
	char digits[5] = {'0', 'x', 0, 0, 0}, *end;
	unsigned long byte;

	if ((*text)[0] != '\\' || (*text)[1] != 'x' || !(*text)[2])
		return *(*text)++;
	memcpy(digits + 2, *text + 2, 2);
	byte = strtoul(digits, &end, 16);
	*text += end - digits;
	return (char)byte;
}

static const char *type(char **words, u32 count)
{
	const char *error;
	struct guest *guest = running(words[0], &error);

	for (u32 i = 1; guest && i < count; i++) {
		for (const char *at = words[i]; *at;) {
			char byte = unescaped(&at);

			terminal_type(&guest->terminal, &byte, 1);
		}
		if (i + 1 < count)
			terminal_type(&guest->terminal, " ", 1);
	}
	return error;
}

static const char *show(char **words, u32 count)
{
	const char *error;
	struct guest *guest;

	if (!count) {
		screen_show_text();
		return NULL;
	}
	guest = running(words[0], &error);
	if (!guest)
		return error;
	return guest->fbback ? screen_show(guest->fbback, guest->kbdback) : "it has no screen";
}

/* Down and up again, for each number. */
static const char *press(char **words, u32 count)
{
	const char *error;
	struct guest *guest = running(words[0], &error);

	for (u32 i = 1; guest && i < count; i++) {
		u64 keycode;

		if (!guest->kbdback)
			return "it has no keyboard";
		if (!number(words[i], 255, &keycode))
			return no_number;
		kbdback_key(guest->kbdback, (u32)keycode, true);
		kbdback_key(guest->kbdback, (u32)keycode, false);
	}
	return error;
}

static const char *weight(char **words, u32 count)
{
	const char *error;
	struct guest *guest = running(words[0], &error);
	u64 share, cap = 0;

	if (!guest)
		return error;
	if (!number(words[1], 65535, &share) || !share ||
	    (count > 2 && !number(words[2], 65535, &cap)))
		return no_number;
	return domain_set_weight(guest->dom, (u16)share, (u16)cap) ? "the hypervisor refused it"
								   : NULL;
}

/* The guest's balloon does the work; its limit moves at once when it grows. */
static const char *memory(char **words, u32 count)
{
	const char *error;
	struct guest *guest = running(words[0], &error);
	char path[64];
	u64 kib;

	(void)count;
	if (!guest)
		return error;
	if (!number(words[1], guest->config.memory, &kib) || kib < 1024)
		return "give KiB, at most what the guest was made with";
	snprintf(path, sizeof(path), "/local/domain/%u/memory/target", guest->dom);
	return xs_printf(XS_NO_TX, path, "%llu", (unsigned long long)kib) ? "xenstore refused it"
									  : NULL;
}

static const char *vcpus(char **words, u32 count)
{
	const char *error;
	struct guest *guest = running(words[0], &error);
	char path[64];
	u64 online;

	(void)count;
	if (!guest)
		return error;
	if (!number(words[1], guest->config.vcpus, &online) || !online)
		return "give a number from 1 to what the guest was made with";
	for (u32 i = 0; i < guest->config.vcpus; i++) {
		snprintf(path, sizeof(path), "/local/domain/%u/cpu/%u/availability", guest->dom, i);
		xs_write(XS_NO_TX, path, i < online ? "online" : "offline");
	}
	return NULL;
}

static const char *top(char **words, u32 count)
{
	u64 seconds = 1;

	if (count && (!number(words[0], 3600, &seconds) || !seconds))
		return no_number;
	top_begin(seconds);
	return NULL;
}

static const char *poweroff(char **words, u32 count)
{
	(void)words, (void)count;
	for (struct guest *guest = guests_first(); guest; guest = guest->next)
		guest_destroy(guest);
	shutdown(SHUTDOWN_POWEROFF);
}

static const char *reboot(char **words, u32 count)
{
	(void)words, (void)count;
	shutdown(SHUTDOWN_REBOOT);
}

static const char *help(char **words, u32 count)
{
	(void)words, (void)count;
	for (u32 i = 0; i < command_count; i++)
		printf("%-9s %-18s %s\n", commands[i].name, commands[i].words, commands[i].help);
	return NULL;
}

const struct command commands[] = {
    {"list", "", "the domains", 0, report_domains},
    {"top", "[SECONDS]", "who has the CPUs, from now on so long", 0, top},
    {"create", "GUEST", "make a guest's domain", 1, create},
    {"destroy", "GUEST", "end it at once", 1, destroy},
    {"shutdown", "GUEST [reboot]", "ask it to end", 1, ask},
    {"save", "GUEST [DISK]", "keep it in dom0's memory, or on a disk of dom0's", 1, save},
    {"restore", "GUEST [DISK]", "let a saved one go on", 1, restore},
    {"pause", "GUEST", "stop its vcpus", 1, pause},
    {"unpause", "GUEST", "let them go on", 1, unpause},
    {"console", "GUEST", "its console; Ctrl-] leaves", 1, console},
    {"log", "GUEST", "its last output", 1, log},
    {"type", "GUEST TEXT", "type on its console; \\x0d is Return", 2, type},
    {"screen", "[GUEST]", "show its screen, keys go to it; Ctrl-] leaves", 0, show},
    {"press", "GUEST KEY...", "press keys of its keyboard, by Linux's numbers", 2, press},
    {"weight", "GUEST N [CAP]", "its share of the CPUs", 2, weight},
    {"memory", "GUEST KIB", "its memory target", 2, memory},
    {"vcpus", "GUEST N", "how many of its vcpus are online", 2, vcpus},
    {"store", "[PATH]", "nodes of xenstore", 0, report_store},
    {"info", "", "memory, disks, interrupts, bridge", 0, report_machine},
    {"poweroff", "", "end everything", 0, poweroff},
    {"reboot", "", "start the machine anew", 0, reboot},
    {"help", "", "this", 0, help},
};

const u32 command_count = LENGTH(commands);
