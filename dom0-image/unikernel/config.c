/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "nic.h"

#include <stdlib.h>
#include <string.h>

struct words {
	const char *at, *end;
};

static bool copy(char *to, size_t size, const char *from, size_t length)
{
	if (length >= size)
		return false;
	memcpy(to, from, length);
	to[length] = 0;
	return true;
}

/* The next word of a line; false if there is none, or if it does not fit. */
static bool word(struct words *words, char *to, size_t size)
{
	const char *start;

	while (words->at < words->end && *words->at == ' ')
		words->at++;
	start = words->at;
	while (words->at < words->end && *words->at != ' ')
		words->at++;
	return words->at > start && copy(to, size, start, (size_t)(words->at - start));
}

static bool number(struct words *words, u64 *value)
{
	char text[24], *end;

	if (!word(words, text, sizeof(text)))
		return false;
	*value = strtoull(text, &end, 10);
	return !*end;
}

static bool small(struct words *words, u32 *value, u32 most)
{
	u64 wide;

	if (!number(words, &wide) || wide > most)
		return false;
	*value = (u32)wide;
	return true;
}

/* disk DEVICE ro|rw file NAME | size BYTES | hardware NAME */
static bool disk(struct words *words, struct guest_config *guest)
{
	struct disk_config *made = &guest->disks[guest->disk_count];
	char mode[4], kind[12];

	if (guest->disk_count == MAX_DISKS || !word(words, made->device, sizeof(made->device)) ||
	    !disk_number(made->device) || !word(words, mode, sizeof(mode)) ||
	    !word(words, kind, sizeof(kind)))
		return false;
	made->readonly = !strcmp(mode, "ro");
	if (!made->readonly && strcmp(mode, "rw"))
		return false;
	guest->disk_count++;
	if (!strcmp(kind, "file"))
		return word(words, made->file, sizeof(made->file));
	if (!strcmp(kind, "hardware"))
		return word(words, made->hardware, sizeof(made->hardware));
	return !strcmp(kind, "size") && number(words, &made->size) && made->size &&
	       !(made->size % 512);
}

static bool nic(struct words *words, struct guest_config *guest)
{
	char mac[18];

	return guest->nic_count < MAX_NICS && word(words, mac, sizeof(mac)) &&
	       mac_parse(mac, guest->nics[guest->nic_count++].mac);
}

static bool restart(struct words *words, struct guest_config *guest)
{
	static const char *const names[] = {"never", "on-crash", "always"};
	char text[12];

	if (!word(words, text, sizeof(text)))
		return false;
	for (u32 i = 0; i < LENGTH(names); i++)
		if (!strcmp(text, names[i])) {
			guest->restart = (enum restart)i;
			return true;
		}
	return false;
}

static bool yes_or_no(struct words *words, bool *value)
{
	char text[4];

	if (!word(words, text, sizeof(text)))
		return false;
	*value = !strcmp(text, "yes");
	return *value || !strcmp(text, "no");
}

static bool setting(const char *key, struct words *words, struct guest_config *guest)
{
	if (!strcmp(key, "memory"))
		return number(words, &guest->memory) && guest->memory;
	if (!strcmp(key, "vcpus"))
		return small(words, &guest->vcpus, 32) && guest->vcpus;
	if (!strcmp(key, "weight"))
		return small(words, &guest->weight, 65535) && guest->weight;
	if (!strcmp(key, "cap"))
		return small(words, &guest->cap, 65535);
	if (!strcmp(key, "cpus"))
		return number(words, &guest->cpus) && guest->cpus;
	if (!strcmp(key, "kernel"))
		return word(words, guest->kernel, sizeof(guest->kernel));
	if (!strcmp(key, "initramfs"))
		return word(words, guest->initramfs, sizeof(guest->initramfs));
	if (!strcmp(key, "disk"))
		return disk(words, guest);
	if (!strcmp(key, "nic"))
		return nic(words, guest);
	if (!strcmp(key, "restart"))
		return restart(words, guest);
	if (!strcmp(key, "after"))
		return word(words, guest->after, sizeof(guest->after));
	if (!strcmp(key, "screen"))
		return yes_or_no(words, &guest->screen);
	if (!strcmp(key, "autostart"))
		return yes_or_no(words, &guest->autostart);
	return false;
}

static bool complete(const struct guest_config *guest, const char **error)
{
	if (!guest->memory || !*guest->kernel)
		*error = "a guest without memory or kernel";
	return !*error;
}

bool config_next(const char *text, size_t size, size_t *at, u32 *line, struct guest_config *guest,
		 const char **error)
{
	bool begun = false;

	*error = NULL;
	*guest = (struct guest_config){.vcpus = 1, .weight = 256};
	while (*at < size) {
		const char *start = text + *at;
		const char *end = memchr(start, '\n', size - *at);
		struct words words = {start, end ? end : text + size};
		size_t next = (size_t)(words.end - text) + (end ? 1 : 0);
		char key[12];
		bool first;

		if (!word(&words, key, sizeof(key))) {
			if (words.at != words.end)
				*error = "a key that is too long";
			else if (++*line, *at = next, true)
				continue; /* an empty line */
			return false;
		}
		first = !strcmp(key, "guest");
		if (first && begun)
			return complete(guest, error);
		++*line;
		*at = next;
		if (first) {
			begun = true;
			if (!word(&words, guest->name, sizeof(guest->name)))
				*error = "a guest without a name";
		} else if (!begun) {
			*error = "a line before the first guest";
		} else if (!strcmp(key, "cmdline")) {
			words.at += words.at < words.end;
			if (!copy(guest->cmdline, CMDLINE_MAX, words.at,
				  (size_t)(words.end - words.at)))
				*error = "a command line that is too long";
		} else if (!setting(key, &words, guest)) {
			*error = "a key or value that is not understood";
		}
		if (*error)
			return false;
	}
	return begun && complete(guest, error);
}

u32 disk_number(const char *device)
{
	if (strlen(device) != 4 || strncmp(device, "xvd", 3) || device[3] < 'a' || device[3] > 'p')
		return 0;
	return 202u << 8 | (u32)(device[3] - 'a') << 4;
}
