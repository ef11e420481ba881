/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct node **root_of(struct call *call)
{
	return call->transaction ? &call->transaction->now : &store_root;
}

/* The node at the path if the client may do this with it. Reading is noted for the transaction. */
static int get(struct call *call, u32 rights, const struct node **node)
{
	const struct node *nearest = tree_nearest(*root_of(call), call->path);
	u32 has = tree_rights(nearest, call->client->dom);

	*node = tree_find(*root_of(call), call->path);
	if (call->transaction) {
		int error = transaction_touch(call->transaction, XS_READ, call->path, NULL, 0);

		if (error)
			return error;
	}
	if (!*node)
		return has & PERM_READ ? XS_ENOENT : XS_EACCES;
	return (has & rights) == rights ? 0 : XS_EACCES;
}

/* Whether the client may change or make the node at the path. */
static int may_write(struct call *call)
{
	const struct node *nearest = tree_nearest(*root_of(call), call->path);

	if (!(tree_rights(nearest, call->client->dom) & PERM_WRITE))
		return XS_EACCES;
	if (call->client->dom && !tree_find(*root_of(call), call->path) &&
	    tree_owned(*root_of(call), call->client->dom) >= STORE_MAX_NODES)
		return XS_ENOSPC;
	return 0;
}

/* A change was made: for the transaction's end, or for the watches now. */
static int changed(struct call *call, u32 kind, const void *data, u32 size, const struct node *gone)
{
	if (call->transaction)
		return transaction_touch(call->transaction, kind, call->path, data, size);
	watch_fire(call->path, gone);
	return 0;
}

int node_read(struct call *call)
{
	const struct node *node;
	int error = get(call, PERM_READ, &node);

	return error ? error : call_answer(call, node->value, node->size);
}

int node_directory(struct call *call)
{
	const struct node *node;
	int error = get(call, PERM_READ, &node);
	u32 length = 0;

	for (u32 i = 0; !error && i < node->child_count; i++) {
		size_t size = strlen(node->children[i]->name) + 1;

		if (length + size > XS_BODY)
			return XS_E2BIG; /* then clients take DIRECTORY_PART */
		memcpy(call->reply + length, node->children[i]->name, size);
		length += (u32)size;
	}
	call->reply_length = length;
	return error;
}

/* A part of the names from a byte on: "VERSION\0", names, and one more zero byte behind the last.
 */
int node_directory_part(struct call *call)
{
	unsigned long skip = call->word_count > 1 ? strtoul(call->words[1], NULL, 10) : 0;
	const struct node *node;
	int error = get(call, PERM_READ, &node);
	u32 length;

	if (error)
		return error;
	length = (u32)snprintf(call->reply, XS_BODY, "%llu", (unsigned long long)node->version) + 1;
	for (u32 i = 0; i < node->child_count; i++) {
		size_t size = strlen(node->children[i]->name) + 1;

		if (skip >= size) {
			skip -= size;
			continue;
		}
		if (skip)
			return XS_EINVAL; /* no name starts there */
		if (length + size + 1 > XS_BODY) {
			call->reply_length = length;
			return 0;
		}
		memcpy(call->reply + length, node->children[i]->name, size);
		length += (u32)size;
	}
	call->reply[length++] = 0;
	call->reply_length = length;
	return 0;
}

int node_write(struct call *call)
{
	int error = may_write(call);

	if (error)
		return error;
	if (call->rest_length > STORE_VALUE_MAX && call->client->dom)
		return XS_ENOSPC;
	error =
	    tree_write(root_of(call), call->path, call->client->dom, call->rest, call->rest_length);
	if (!error)
		error = changed(call, XS_WRITE, call->rest, call->rest_length, NULL);
	return error ? error : call_ok(call);
}

int node_mkdir(struct call *call)
{
	int error;

	if (tree_find(*root_of(call), call->path))
		return call_ok(call);
	error = may_write(call);
	if (!error)
		error = tree_mkdir(root_of(call), call->path, call->client->dom);
	if (!error)
		error = changed(call, XS_MKDIR, NULL, 0, NULL);
	return error ? error : call_ok(call);
}

int node_remove(struct call *call)
{
	const struct node *node = tree_find(*root_of(call), call->path);
	struct node *before;
	int error;

	if (!strcmp(call->path, "/"))
		return XS_EINVAL;
	if (!node) { /* no error if only the node itself is missing */
		char *last = strrchr(call->path, '/');
		bool above;

		*last = 0;
		above = tree_find(*root_of(call), call->path);
		*last = '/';
		if (!above)
			return XS_ENOENT;
		return tree_rights(tree_nearest(*root_of(call), call->path), call->client->dom) &
			       PERM_WRITE
			   ? call_ok(call)
			   : XS_EACCES;
	}
	if (!(tree_rights(node, call->client->dom) & PERM_WRITE))
		return XS_EACCES;
	before = tree_hold(*root_of(call));
	error = tree_remove(root_of(call), call->path);
	if (!error)
		error = changed(call, XS_RM, NULL, 0, tree_find(before, call->path));
	tree_release(before);
	return error ? error : call_ok(call);
}

int node_get_perms(struct call *call)
{
	const struct node *node;
	int error = get(call, PERM_READ, &node);
	u32 length = 0;

	for (u32 i = 0; !error && i < node->perm_count; i++)
		length += (u32)snprintf(call->reply + length, XS_BODY - length, "%c%u",
					"nrwb"[node->perms[i].mode], node -> perms[i].dom) +
			  1;
	call->reply_length = length;
	return error;
}

static bool parse_perm(const char *text, struct perm *perm)
{
	const char *mode = *text ? strchr("nrwb", *text) : NULL;
	char *end;
	unsigned long dom = mode ? strtoul(text + 1, &end, 10) : 0;

	if (!mode || end == text + 1 || *end || dom >= DOMID_LIMIT)
		return false;
	*perm = (struct perm){(domid_t)dom, (u8)(mode - "nrwb")};
	return true;
}

int node_set_perms(struct call *call)
{
	struct perm perms[STORE_PERMS_MAX] = {{0, 0}};
	const char *at = call->rest, *end = call->rest + call->rest_length;
	const struct node *node;
	u32 count = 0;
	int error = get(call, PERM_WRITE, &node);

	if (error)
		return error;
	for (; at < end; at += strlen(at) + 1)
		if (count == STORE_PERMS_MAX || !parse_perm(at, &perms[count++]))
			return XS_EINVAL;
	if (!count)
		return XS_EINVAL;
	if (call->client->dom &&
	    (node->perms[0].dom != call->client->dom || perms[0].dom != call->client->dom))
		return XS_EPERM; /* only an owner grants, and keeps what it owns */
	error = tree_permit(root_of(call), call->path, perms, count);
	if (!error)
		error = changed(call, XS_SET_PERMS, perms, count * (u32)sizeof(*perms), NULL);
	return error ? error : call_ok(call);
}
