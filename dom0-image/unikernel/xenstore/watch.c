/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct store_watch *watches;

/* Whether `path` is `above` or lies below it. */
static bool below(const char *path, const char *above)
{
	size_t length = strlen(above);

	if (!strcmp(above, "/"))
		return *path == '/';
	return !strncmp(path, above, length) && (!path[length] || path[length] == '/');
}

static void tell(const struct store_watch *watch, const char *path)
{
	char body[XS_BODY], home[40];
	size_t length, token = strlen(watch->token) + 1;

	snprintf(home, sizeof(home), "/local/domain/%u/", watch->client->dom);
	if (watch->relative && !strncmp(path, home, strlen(home)))
		path += strlen(home);
	length = strlen(path) + 1;
	if (length + token > sizeof(body))
		return;
	memcpy(body, path, length);
	memcpy(body + length, watch->token, token);
	watch->client->event(watch->client, body, (u32)(length + token));
}

static struct store_watch **find(struct store_client *client, const char *path, const char *token)
{
	struct store_watch **at = &watches;

	while (*at && ((*at)->client != client || strcmp((*at)->path, path) ||
		       strcmp((*at)->token, token)))
		at = &(*at)->next;
	return at;
}

static void drop(struct store_watch **at)
{
	struct store_watch *watch = *at;

	*at = watch->next;
	watch->client->watch_count--;
	free(watch->path);
	free(watch->token);
	free(watch);
}

int watch_add(struct store_client *client, const char *path, bool relative, const char *token)
{
	struct store_watch *watch;

	if (*find(client, path, token))
		return XS_EEXIST;
	if (client->dom && client->watch_count >= STORE_MAX_WATCHES)
		return XS_E2BIG;
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return XS_ENOMEM;
	watch->client = client;
	watch->relative = relative;
	watch->path = strdup(path);
	watch->token = strdup(token);
	if (!watch->path || !watch->token) {
		free(watch->path);
		free(watch->token);
		free(watch);
		return XS_ENOMEM;
	}
	watch->next = watches;
	watches = watch;
	client->watch_count++;
	tell(watch, path); /* the first event comes by itself */
	return 0;
}

int watch_remove(struct store_client *client, const char *path, const char *token)
{
	struct store_watch **at = find(client, path, token);

	if (!*at)
		return XS_ENOENT;
	drop(at);
	return 0;
}

void watch_remove_all(struct store_client *client)
{
	struct store_watch **at = &watches;

	while (*at) {
		if ((*at)->client == client)
			drop(at);
		else
			at = &(*at)->next;
	}
}

/* Who may not read a node, nor the nearest one above if it is gone, is not told that it changed. */
static bool may_know(const struct store_client *client, const char *path, const struct node *gone)
{
	if (*path == '@')
		return true;
	if (gone)
		return tree_rights(gone, client->dom) & PERM_READ;
	return tree_rights(tree_nearest(store_root, path), client->dom) & PERM_READ;
}

void watch_fire(const char *path, const struct node *gone)
{
	for (struct store_watch *watch = watches, *next; watch; watch = next) {
		next = watch->next;
		if (below(path, watch->path)) {
			if (may_know(watch->client, path, gone))
				tell(watch, path);
		} else if (gone && below(watch->path, path)) {
			const struct node *node = tree_find(gone, watch->path + strlen(path));

			if (node && tree_rights(node, watch->client->dom) & PERM_READ)
				tell(watch, watch->path);
		}
	}
}
