/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the store: a request on its way through. */
#ifndef XENSTORE_CALL_H
#define XENSTORE_CALL_H

#include "store.h"

struct call {
	struct store_client *client;
	struct transaction *transaction; /* NULL: at once */
	const char *body;
	u32 length;
	const char *words[4]; /* the first texts of the body */
	u32 word_count;
	const char *rest; /* what follows the first of them */
	u32 rest_length;
	char path[XS_ABS_PATH + 1]; /* the first, as an absolute path */
	bool relative;
	char *reply;
	u32 reply_length;
};

/* Make call->path of a path as clients write it (permitted characters and limits as documented); 0
 * or an XS_E. */
int call_path(struct call *call, const char *text);
int call_answer(struct call *call, const void *data, size_t size);
int call_ok(struct call *call);

/* nodes.c: requests about a node, whose path call->path is. */
int node_read(struct call *call);
int node_directory(struct call *call);
int node_directory_part(struct call *call);
int node_write(struct call *call);
int node_mkdir(struct call *call);
int node_remove(struct call *call);
int node_get_perms(struct call *call);
int node_set_perms(struct call *call);

#endif
