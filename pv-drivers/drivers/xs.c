/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xs.h"

#include "event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct part {
	const char *data;
	size_t size;
};

struct change {
	struct change *next;
	char body[]; /* path, token */
};

static xs_exchange_fn *exchange;
static bool busy;
static u32 last_id, last_token;
static struct xs_watch *watches;
static struct change *changes, **changes_end = &changes;

static void run_changes(void *data);
static struct timer changes_timer = {.fn = run_changes};

void xs_start(xs_exchange_fn *by)
{
	exchange = by;
}

bool xs_busy(void)
{
	return busy;
}

/* One request of some parts; the reply, with a zero byte behind, in `reply` of XS_BODY + 1 bytes.
 */
static int talk(u32 type, u32 tx, const struct part *parts, u32 count, char *reply)
{
	struct xs_header header = {type, ++last_id, tx, 0};
	char body[XS_BODY];
	int rc;

	for (u32 i = 0; i < count; i++) {
		if (parts[i].size > XS_BODY - header.len)
			return -XS_E2BIG;
		memcpy(body + header.len, parts[i].data, parts[i].size);
		header.len += (u32)parts[i].size;
	}
	if (busy)
		return -XS_EBUSY; /* called from a handler while main waits: a mistake of the
				     program */
	busy = true;
	rc = exchange(&header, body, reply);
	busy = false;
	if (changes)
		timer_set(&changes_timer, now());
	if (rc)
		return rc;
	reply[header.len] = 0;
	return header.type == XS_ERROR ? -xs_error_number(reply) : (int)header.len;
}

static struct part text(const char *string)
{
	return (struct part){string, strlen(string) + 1};
}

static int simple(u32 type, u32 tx, const char *path)
{
	struct part part = text(path);
	char reply[XS_BODY + 1];
	int rc = talk(type, tx, &part, 1, reply);

	return rc < 0 ? rc : 0;
}

static int fetch(u32 type, u32 tx, const char *path, char *value, size_t size)
{
	struct part part = text(path);
	char reply[XS_BODY + 1];
	int rc = talk(type, tx, &part, 1, reply);

	if (rc < 0)
		return rc;
	if ((size_t)rc >= size)
		rc = (int)size - 1;
	memcpy(value, reply, (size_t)rc);
	value[rc] = 0;
	return rc;
}

int xs_read(u32 tx, const char *path, char *value, size_t size)
{
	return fetch(XS_READ, tx, path, value, size);
}

int xs_list(u32 tx, const char *path, char *names, size_t size)
{
	return fetch(XS_DIRECTORY, tx, path, names, size);
}

int xs_read_number(u32 tx, const char *path, unsigned long *number)
{
	char value[32], *end;
	int rc = xs_read(tx, path, value, sizeof(value));

	if (rc < 0)
		return rc;
	*number = strtoul(value, &end, 0);
	return end == value || *end ? -XS_EINVAL : 0;
}

int xs_write(u32 tx, const char *path, const char *value)
{
	struct part parts[] = {text(path), {value, strlen(value)}};
	char reply[XS_BODY + 1];
	int rc = talk(XS_WRITE, tx, parts, 2, reply);

	return rc < 0 ? rc : 0;
}

int xs_printf(u32 tx, const char *path, const char *format, ...)
{
	char value[256];
	va_list list;

	va_start(list, format);
	vsnprintf(value, sizeof(value), format, list);
	va_end(list);
	return xs_write(tx, path, value);
}

int xs_mkdir(u32 tx, const char *path)
{
	return simple(XS_MKDIR, tx, path);
}

int xs_remove(u32 tx, const char *path)
{
	return simple(XS_RM, tx, path);
}

int xs_permit(u32 tx, const char *path, const char *owner, const char *other)
{
	struct part parts[] = {text(path), text(owner), text(other ? other : "")};
	char reply[XS_BODY + 1];
	int rc = talk(XS_SET_PERMS, tx, parts, other ? 3 : 2, reply);

	return rc < 0 ? rc : 0;
}

int xs_begin(void)
{
	struct part part = text("");
	char reply[XS_BODY + 1];
	int rc = talk(XS_TRANSACTION_START, XS_NO_TX, &part, 1, reply);

	return rc < 0 ? rc : (int)strtoul(reply, NULL, 10);
}

int xs_end(u32 tx, bool commit)
{
	return simple(XS_TRANSACTION_END, tx, commit ? "T" : "F");
}

int xs_watch(struct xs_watch *watch)
{
	struct part parts[2];
	char reply[XS_BODY + 1];
	int rc;

	snprintf(watch->token, sizeof(watch->token), "%u", ++last_token);
	watch->next = watches;
	watches = watch;
	parts[0] = text(watch->path);
	parts[1] = text(watch->token);
	rc = talk(XS_WATCH, XS_NO_TX, parts, 2, reply);
	if (rc < 0)
		watches = watch->next;
	return rc < 0 ? rc : 0;
}

void xs_watch_again(void)
{
	for (struct xs_watch *watch = watches; watch; watch = watch->next) {
		struct part parts[] = {text(watch->path), text(watch->token)};
		char reply[XS_BODY + 1];

		talk(XS_WATCH, XS_NO_TX, parts, 2, reply);
	}
}

void xs_unwatch(struct xs_watch *watch)
{
	struct part parts[] = {text(watch->path), text(watch->token)};
	struct xs_watch **at = &watches;
	char reply[XS_BODY + 1];

	while (*at && *at != watch)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = watch->next;
	talk(XS_UNWATCH, XS_NO_TX, parts, 2, reply);
}

void xs_watch_event(const char *body, u32 length)
{
	struct change *change = malloc(sizeof(*change) + length + 2);

	if (!change)
		return;
	memcpy(change->body, body, length);
	change->body[length] = change->body[length + 1] = 0;
	change->next = NULL;
	*changes_end = change;
	changes_end = &change->next;
	if (!busy)
		timer_set(&changes_timer, now());
}

static struct xs_watch *find_watch(const char *token)
{
	for (struct xs_watch *watch = watches; watch; watch = watch->next)
		if (!strcmp(watch->token, token))
			return watch;
	return NULL;
}

/* Handlers may talk to xenstored, so they wait until nobody else does. */
static void run_changes(void *data)
{
	(void)data;
	while (changes && !busy) {
		struct change *change = changes;
		struct xs_watch *watch = find_watch(change->body + strlen(change->body) + 1);

		changes = change->next;
		if (!changes)
			changes_end = &changes;
		if (watch)
			watch->fn(watch->data, change->body);
		free(change);
	}
}
