/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transaction works on its own tree. At its end that becomes the store's if nobody else changed
 * anything; if others did, but nothing that it read or changed, its changes are made again.
 */
#include "store.h"

#include <stdlib.h>
#include <string.h>

struct touched {
	struct touched *next;
	u32 kind, size;
	char *data;
	char path[];
};

static u32 last_id;

struct transaction *transaction_find(struct store_client *client, u32 id)
{
	struct transaction *at = client->transactions;

	while (at && at->id != id)
		at = at->next;
	return at;
}

int transaction_start(struct store_client *client, u32 *id)
{
	struct transaction *made;

	if (client->dom && client->transaction_count >= STORE_MAX_TRANSACTIONS)
		return XS_ENOSPC;
	made = calloc(1, sizeof(*made));
	if (!made)
		return XS_ENOMEM;
	do
		made->id = ++last_id;
	while (!made->id || transaction_find(client, made->id));
	made->start = tree_hold(store_root);
	made->now = tree_hold(store_root);
	made->touched_end = &made->touched;
	made->next = client->transactions;
	client->transactions = made;
	client->transaction_count++;
	*id = made->id;
	return 0;
}

int transaction_touch(struct transaction *transaction, u32 kind, const char *path, const void *data,
		      u32 size)
{
	size_t length = strlen(path) + 1;
	struct touched *made;

	if (transaction->touched_count >= STORE_MAX_TOUCHED)
		return XS_ENOSPC;
	made = malloc(sizeof(*made) + length);
	if (!made)
		return XS_ENOMEM;
	made->data = malloc(size ? size : 1);
	if (!made->data) {
		free(made);
		return XS_ENOMEM;
	}
	made->next = NULL;
	made->kind = kind;
	made->size = size;
	memcpy(made->path, path, length);
	if (size)
		memcpy(made->data, data, size);
	*transaction->touched_end = made;
	transaction->touched_end = &made->next;
	transaction->touched_count++;
	return 0;
}

static bool undisturbed(const struct transaction *transaction)
{
	for (const struct touched *at = transaction->touched; at; at = at->next)
		if (tree_version(transaction->start, at->path) !=
		    tree_version(store_root, at->path))
			return false;
	return true;
}

static int again(struct node **root, const struct touched *at, domid_t dom)
{
	switch (at->kind) {
	case XS_WRITE:
		return tree_write(root, at->path, dom, at->data, at->size);
	case XS_MKDIR:
		return tree_mkdir(root, at->path, dom);
	case XS_RM:
		return tree_remove(root, at->path);
	case XS_SET_PERMS:
		return tree_permit(root, at->path, (const struct perm *)(const void *)at->data,
				   at->size / (u32)sizeof(struct perm));
	default:
		return 0;
	}
}

static int merge(struct transaction *transaction, domid_t dom)
{
	struct node *root = tree_hold(store_root);
	int error = undisturbed(transaction) ? 0 : XS_EAGAIN;

	for (const struct touched *at = transaction->touched; at && !error; at = at->next)
		if (again(&root, at, dom))
			error = XS_EAGAIN;
	if (error) {
		tree_release(root);
		return error;
	}
	tree_release(transaction->now);
	transaction->now = root;
	return 0;
}

/* Watches fire for the changes in their order, once the store has them all. */
static void fire(const struct transaction *transaction)
{
	for (const struct touched *at = transaction->touched; at; at = at->next) {
		const struct node *gone = NULL;

		if (at->kind == XS_READ)
			continue;
		if (at->kind == XS_RM)
			gone = tree_find(transaction->start, at->path);
		watch_fire(at->path, gone);
	}
}

static void forget(struct store_client *client, struct transaction *transaction)
{
	struct transaction **at = &client->transactions;

	while (*at != transaction)
		at = &(*at)->next;
	*at = transaction->next;
	client->transaction_count--;
	tree_release(transaction->start);
	tree_release(transaction->now);
	while (transaction->touched) {
		struct touched *touched = transaction->touched;

		transaction->touched = touched->next;
		free(touched->data);
		free(touched);
	}
	free(transaction);
}

int transaction_end(struct store_client *client, u32 id, bool commit)
{
	struct transaction *transaction = transaction_find(client, id);
	int error = 0;

	if (!transaction)
		return XS_ENOENT;
	if (commit && transaction->start != store_root)
		error = merge(transaction, client->dom);
	if (commit && !error) {
		tree_release(store_root);
		store_root = tree_hold(transaction->now);
		fire(transaction);
	}
	forget(client, transaction);
	return error;
}
