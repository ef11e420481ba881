/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node *store_root;

static int no_domain(domid_t dom, unsigned long frame, port_t port)
{
	(void)dom, (void)frame, (void)port;
	return XS_ENOSYS;
}

static int no_release(domid_t dom)
{
	(void)dom;
	return XS_ENOENT;
}

static bool not_introduced(domid_t dom)
{
	(void)dom;
	return false;
}

int (*store_introduce)(domid_t dom, unsigned long frame, port_t port) = no_domain;
int (*store_release)(domid_t dom) = no_release;
bool (*store_introduced)(domid_t dom) = not_introduced;

bool store_start(void)
{
	store_root = tree_create();
	return store_root && !tree_mkdir(&store_root, "/tool", 0) &&
	       !tree_mkdir(&store_root, "/local/domain", 0);
}

void store_client_gone(struct store_client *client)
{
	while (client->transactions)
		transaction_end(client, client->transactions->id, false);
	watch_remove_all(client);
}

static bool path_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-/_@", c));
}

/* docs/misc/xenstore.txt, "Path syntax". */
int call_path(struct call *call, const char *text)
{
	size_t length = strlen(text);

	call->relative = *text != '/';
	if (!length || length > (call->relative ? XS_REL_PATH : XS_ABS_PATH))
		return XS_EINVAL;
	for (size_t i = 0; i < length; i++)
		if (!path_char(text[i]) || (text[i] == '/' && text[i + 1] == '/'))
			return XS_EINVAL;
	if (length > 1 && text[length - 1] == '/')
		return XS_EINVAL;
	if (call->relative)
		snprintf(call->path, sizeof(call->path), "/local/domain/%u/%s", call->client->dom,
			 text);
	else
		memcpy(call->path, text, length + 1);
	return 0;
}

int call_answer(struct call *call, const void *data, size_t size)
{
	if (size > XS_BODY)
		return XS_E2BIG;
	memcpy(call->reply, data, size);
	call->reply_length = (u32)size;
	return 0;
}

int call_ok(struct call *call)
{
	return call_answer(call, "OK", 3);
}

static int do_watch(struct call *call)
{
	int error;

	if (call->word_count < 2)
		return XS_EINVAL;
	if (*call->words[0] == '@') {
		if (call->client->dom)
			return XS_EACCES; /* which domains there are is dom0's business */
		snprintf(call->path, sizeof(call->path), "%s", call->words[0]);
		call->relative = false;
	} else if ((error = call_path(call, call->words[0]))) {
		return error;
	}
	error = call_ok(call);
	return error ? error : watch_add(call->client, call->path, call->relative, call->words[1]);
}

static int do_unwatch(struct call *call)
{
	int error;

	if (call->word_count < 2)
		return XS_EINVAL;
	if (*call->words[0] == '@')
		snprintf(call->path, sizeof(call->path), "%s", call->words[0]);
	else if ((error = call_path(call, call->words[0])))
		return error;
	error = watch_remove(call->client, call->path, call->words[1]);
	return error ? error : call_ok(call);
}

static int do_reset_watches(struct call *call)
{
	watch_remove_all(call->client);
	return call_ok(call);
}

static int do_start(struct call *call)
{
	u32 id;
	int error = call->transaction ? XS_EBUSY : transaction_start(call->client, &id);

	if (error)
		return error;
	call->reply_length = (u32)snprintf(call->reply, XS_BODY, "%u", id) + 1;
	return 0;
}

static int do_end(struct call *call)
{
	int error;

	if (!call->word_count || (strcmp(call->words[0], "T") && strcmp(call->words[0], "F")))
		return XS_EINVAL;
	if (!call->transaction)
		return XS_ENOENT;
	error = transaction_end(call->client, call->transaction->id, *call->words[0] == 'T');
	call->transaction = NULL;
	return error ? error : call_ok(call);
}

/* A number among the words; false if it is none. */
static bool number(const struct call *call, u32 word, unsigned long *value)
{
	char *end;

	if (word >= call->word_count)
		return false;
	*value = strtoul(call->words[word], &end, 10);
	return end != call->words[word] && !*end;
}

static int do_domain_path(struct call *call)
{
	unsigned long dom;

	if (!number(call, 0, &dom))
		return XS_EINVAL;
	call->reply_length = (u32)snprintf(call->reply, XS_BODY, "/local/domain/%lu", dom) + 1;
	return 0;
}

static int do_is_introduced(struct call *call)
{
	unsigned long dom;

	if (!number(call, 0, &dom))
		return XS_EINVAL;
	return !dom || store_introduced((domid_t)dom) ? call_answer(call, "T", 2)
						      : call_answer(call, "F", 2);
}

static int do_introduce(struct call *call)
{
	unsigned long dom, frame, port;
	int error;

	if (call->client->dom)
		return XS_EACCES;
	if (!number(call, 0, &dom) || !number(call, 1, &frame) || !number(call, 2, &port))
		return XS_EINVAL;
	error = store_introduce((domid_t)dom, frame, (port_t)port);
	if (error)
		return error;
	watch_fire("@introduceDomain", NULL);
	return call_ok(call);
}

static int do_release(struct call *call)
{
	unsigned long dom;
	int error;

	if (call->client->dom)
		return XS_EACCES;
	if (!number(call, 0, &dom))
		return XS_EINVAL;
	error = store_release((domid_t)dom);
	if (error)
		return error;
	watch_fire("@releaseDomain", NULL);
	return call_ok(call);
}

static const struct {
	int (*serve)(struct call *call);
	bool path; /* the body starts with a path */
} calls[] = {
    [XS_DIRECTORY] = {node_directory, true},
    [XS_READ] = {node_read, true},
    [XS_GET_PERMS] = {node_get_perms, true},
    [XS_WATCH] = {do_watch, false},
    [XS_UNWATCH] = {do_unwatch, false},
    [XS_TRANSACTION_START] = {do_start, false},
    [XS_TRANSACTION_END] = {do_end, false},
    [XS_INTRODUCE] = {do_introduce, false},
    [XS_RELEASE] = {do_release, false},
    [XS_GET_DOMAIN_PATH] = {do_domain_path, false},
    [XS_WRITE] = {node_write, true},
    [XS_MKDIR] = {node_mkdir, true},
    [XS_RM] = {node_remove, true},
    [XS_SET_PERMS] = {node_set_perms, true},
    [XS_IS_DOMAIN_INTRODUCED] = {do_is_introduced, false},
    [XS_RESET_WATCHES] = {do_reset_watches, false},
    [XS_DIRECTORY_PART] = {node_directory_part, true},
};

/* Find the texts at the start of the body, which has a zero byte behind its end. */
static void split(struct call *call)
{
	const char *at = call->body, *end = call->body + call->length;

	while (at < end && call->word_count < LENGTH(call->words)) {
		const char *zero = memchr(at, 0, (size_t)(end - at));

		if (!zero)
			break;
		call->words[call->word_count++] = at;
		at = zero + 1;
		if (call->word_count == 1) {
			call->rest = at;
			call->rest_length = (u32)(end - at);
		}
	}
}

static int serve(struct call *call, const struct xs_header *header)
{
	int error;

	split(call);
	if (header->type >= LENGTH(calls) || !calls[header->type].serve)
		return XS_ENOSYS;
	if (header->tx_id && !(call->transaction = transaction_find(call->client, header->tx_id)))
		return XS_ENOENT;
	if (calls[header->type].path) {
		if (!call->word_count)
			return XS_EINVAL;
		error = call_path(call, call->words[0]);
		if (error)
			return error;
	}
	return calls[header->type].serve(call);
}

void store_serve(struct store_client *client, struct xs_header *header, const char *body,
		 char *reply)
{
	struct call call = {.client = client, .body = body, .length = header->len, .reply = reply};
	int error = header->len > XS_BODY ? XS_E2BIG : serve(&call, header);

	if (error) {
		const char *name = xs_error_name(error);

		header->type = XS_ERROR;
		call.reply_length = (u32)strlen(name) + 1;
		memcpy(reply, name, call.reply_length);
	}
	header->len = call.reply_length;
}
