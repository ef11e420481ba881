/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The xenstore client (protocol: xen docs/misc/xenstore.txt, public/io/xs_wire.h). Calls return a
 * length or 0, or a negative XS_E... number. Those of a guest wait, serving events meanwhile.
 */
#ifndef DRIVERS_XS_H
#define DRIVERS_XS_H

#include "types.h"
#include "xs_wire.h"

#define XS_NO_TX 0u

/*
 * How a request reaches xenstored: `body` has request->len bytes; the reply's body, of at most
 * XS_BODY bytes, goes to `reply`, its header replaces the request's.
 */
typedef int xs_exchange_fn(struct xs_header *header, const char *body, char *reply);

void xs_start(xs_exchange_fn *exchange);
/* The exchange of a guest, by the page that its builder gave it. */
void xs_start_ring(void);
/* In a new domain: by the port that it has now, with all watches set again. */
void xs_resume_ring(void);
/* For that: set all watches. */
void xs_watch_again(void);
/* Whether an answer is waited for: handlers called meanwhile cannot talk to xenstored. */
bool xs_busy(void);

/* The value, with a zero byte behind it that is not counted; what does not fit is cut. */
int xs_read(u32 tx, const char *path, char *value, size_t size);
/* A number in a node: 0, or an error, which is also what a node without a number gives. */
int xs_read_number(u32 tx, const char *path, unsigned long *number);
int xs_write(u32 tx, const char *path, const char *value);
int xs_printf(u32 tx, const char *path, const char *format, ...) PRINTF(3, 4);
int xs_mkdir(u32 tx, const char *path);
int xs_remove(u32 tx, const char *path);
/* Names of the nodes below, each with its zero byte; the length of all. */
int xs_list(u32 tx, const char *path, char *names, size_t size);
/* `perms`: as xenstore writes them, "n0" or "r1". A second one may be NULL. */
int xs_permit(u32 tx, const char *path, const char *owner, const char *other);

/* A transaction: a positive number. End gives -XS_EAGAIN if somebody else was faster. */
int xs_begin(void);
int xs_end(u32 tx, bool commit);

struct xs_watch {
	const char *path;
	void (*fn)(void *data, const char *path); /* path: what changed */
	void *data;
	char token[12];
	struct xs_watch *next;
};

/* Call watch->fn at once and for every change at or below watch->path, from the event loop. */
int xs_watch(struct xs_watch *watch);
void xs_unwatch(struct xs_watch *watch);
/* For transports: what a watch event says; two texts. */
void xs_watch_event(const char *body, u32 length);

#endif
