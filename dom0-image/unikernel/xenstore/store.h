/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenstored without its wires: connections make requests and get replies and watch events
 * (xen docs/misc/xenstore.txt). Compiled for the host as well, where tests play the connections.
 */
#ifndef XENSTORE_STORE_H
#define XENSTORE_STORE_H

#include "tree.h"
#include "xs_wire.h"

/* What one domain may have; dom0 may have any number. */
#define STORE_MAX_NODES        1000u
#define STORE_MAX_WATCHES      128u
#define STORE_MAX_TRANSACTIONS 10u
#define STORE_MAX_TOUCHED      1024u

struct touched; /* transaction.c */
struct transaction;

struct store_client {
	domid_t dom;
	/* A watch event's body for the client. */
	void (*event)(struct store_client *client, const char *body, u32 length);
	struct transaction *transactions;
	u32 transaction_count, watch_count;
};

struct store_watch {
	struct store_watch *next;
	struct store_client *client;
	bool relative; /* events name paths below the domain's own */
	char *path;    /* absolute, or "@..." */
	char *token;
};

struct transaction {
	struct transaction *next;
	u32 id;
	struct node *start, *now;
	struct touched *touched, **touched_end;
	u32 touched_count;
};

extern struct node *store_root;

/* False: no memory. */
bool store_start(void);
/* Forget all that a client has. */
void store_client_gone(struct store_client *client);
/* Serve a request: the reply replaces the header; its body, of at most XS_BODY bytes, goes to
 * `reply`. */
void store_serve(struct store_client *client, struct xs_header *header, const char *body,
		 char *reply);

/* Domains come and go; served by whoever has their rings (connection.c, or a test). 0 or an XS_E.
 */
extern int (*store_introduce)(domid_t dom, unsigned long frame, port_t port);
extern int (*store_release)(domid_t dom);
extern bool (*store_introduced)(domid_t dom);

/* Inside: transaction.c and watch.c. */
struct transaction *transaction_find(struct store_client *client, u32 id);
int transaction_start(struct store_client *client, u32 *id);
int transaction_end(struct store_client *client, u32 id, bool commit);
/*
 * Note what a transaction reads or changes: a change is made again at its end if others changed the
 * store meanwhile. `kind`: XS_READ, XS_WRITE, XS_MKDIR, XS_RM or XS_SET_PERMS.
 */
int transaction_touch(struct transaction *transaction, u32 kind, const char *path, const void *data,
		      u32 size);

int watch_add(struct store_client *client, const char *path, bool relative, const char *token);
int watch_remove(struct store_client *client, const char *path, const char *token);
void watch_remove_all(struct store_client *client);
/* Something changed at `path`; `gone` is the tree that was below it, or NULL. */
void watch_fire(const char *path, const struct node *gone);

#endif
