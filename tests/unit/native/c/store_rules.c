/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xenstored: what a request of one domain does to another's, by examples. */
#include "check.h"
#include "store.h"

#include <string.h>

struct client {
	struct store_client store;
	char last[XS_BODY];
	u32 last_size, events;
};

static void event(struct store_client *store, const char *body, u32 length)
{
	struct client *client = container_of(store, struct client, store);

	memcpy(client->last, body, length);
	client->last_size = length;
	client->events++;
}

static struct client dom0 = {.store = {.dom = 0, .event = event}};
static struct client one = {.store = {.dom = 1, .event = event}};
static struct client two = {.store = {.dom = 2, .event = event}};
static char reply[XS_BODY + 1];
static u32 reply_size;

/* 0 or the error of a request whose body is `size` bytes. */
static int ask(struct client *client, u32 type, u32 tx, const char *body, u32 size)
{
	struct xs_header header = {type, 7, tx, size};
	char copy[XS_BODY + 1];

	memcpy(copy, body, size);
	copy[size] = 0;
	store_serve(&client->store, &header, copy, reply);
	CHECK(header.req_id == 7 && header.tx_id == tx && header.len <= XS_BODY);
	reply_size = header.len;
	reply[header.len] = 0;
	return header.type == XS_ERROR ? xs_error_number(reply) : 0;
}

#define ASK(client, type, tx, body) ask(client, type, tx, body, sizeof(body))
/* A body without the zero byte at its end: a value is not a text. */
#define WRITE(client, tx, body) ask(client, XS_WRITE, tx, body, sizeof(body) - 1)

static u32 start(struct client *client)
{
	CHECK(!ASK(client, XS_TRANSACTION_START, 0, ""));
	return (u32)strtoul(reply, NULL, 10);
}

static bool says(const char *value)
{
	return reply_size == strlen(value) && !memcmp(reply, value, reply_size);
}

static void homes(void)
{
	CHECK(!ASK(&dom0, XS_MKDIR, 0, "/local/domain/1"));
	CHECK(!ASK(&dom0, XS_SET_PERMS, 0, "/local/domain/1\0n1"));
	CHECK(!ASK(&dom0, XS_MKDIR, 0, "/local/domain/2"));
	CHECK(!ASK(&dom0, XS_SET_PERMS, 0, "/local/domain/2\0n2"));
}

static void values(void)
{
	CHECK(!WRITE(&one, 0, "data/a\0hello"));
	CHECK(!ASK(&one, XS_READ, 0, "data/a") && says("hello"));
	CHECK(!ASK(&dom0, XS_READ, 0, "/local/domain/1/data/a") && says("hello"));
	CHECK(!WRITE(&one, 0, "data/b\0"));
	CHECK(!ASK(&one, XS_DIRECTORY, 0, "data") && reply_size == 4 && !memcmp(reply, "a\0b", 4));
	CHECK(!ASK(&one, XS_READ, 0, "data") && says(""));
	CHECK(ASK(&one, XS_READ, 0, "data/none") == XS_ENOENT);
	CHECK(!ASK(&one, XS_RM, 0, "data/none"));
	CHECK(ASK(&one, XS_RM, 0, "none/none") == XS_ENOENT);
	CHECK(!ASK(&one, XS_RM, 0, "data") && ASK(&one, XS_READ, 0, "data/a") == XS_ENOENT);
	CHECK(ASK(&one, XS_READ, 0, "a//b") == XS_EINVAL &&
	      ASK(&one, XS_READ, 0, "a/") == XS_EINVAL);
	CHECK(ASK(&one, XS_READ, 0, "a b") == XS_EINVAL &&
	      ask(&one, XS_READ, 0, "a", 1) == XS_EINVAL);
	CHECK(ASK(&dom0, XS_RM, 0, "/") == XS_EINVAL && ASK(&one, 99, 0, "") == XS_ENOSYS);
}

static void rights(void)
{
	CHECK(!WRITE(&one, 0, "secret\0x"));
	CHECK(ASK(&two, XS_READ, 0, "/local/domain/1/secret") == XS_EACCES);
	CHECK(ASK(&two, XS_READ, 0, "/local/domain/1/nothing") == XS_EACCES);
	CHECK(WRITE(&two, 0, "/local/domain/1/secret\0y") == XS_EACCES);
	CHECK(WRITE(&two, 0, "/local/domain/1/new\0y") == XS_EACCES);
	CHECK(ASK(&two, XS_RM, 0, "/local/domain/1/secret") == XS_EACCES);
	CHECK(ASK(&two, XS_SET_PERMS, 0, "/local/domain/1/secret\0n2") == XS_EACCES);
	CHECK(!ASK(&one, XS_SET_PERMS, 0, "secret\0n1\0r2"));
	CHECK(!ASK(&two, XS_READ, 0, "/local/domain/1/secret") && says("x"));
	CHECK(WRITE(&two, 0, "/local/domain/1/secret\0y") == XS_EACCES);
	CHECK(!ASK(&one, XS_GET_PERMS, 0, "secret") && !memcmp(reply, "n1\0r2", 6));
	CHECK(ASK(&one, XS_SET_PERMS, 0, "secret\0n2") == XS_EPERM);
	CHECK(ASK(&one, XS_INTRODUCE, 0, "3\0001\0002") == XS_EACCES);
	CHECK(ASK(&one, XS_WATCH, 0, "@releaseDomain\0t") == XS_EACCES);
}

static void transactions(void)
{
	u32 a = start(&one), b = start(&one), c;

	CHECK(!WRITE(&one, a, "t\0one"));
	CHECK(ASK(&one, XS_READ, 0, "t") == XS_ENOENT);
	CHECK(!ASK(&one, XS_READ, a, "t") && says("one"));
	CHECK(ASK(&one, XS_READ, b, "t") == XS_ENOENT);
	CHECK(!ASK(&one, XS_TRANSACTION_END, a, "T"));
	CHECK(!ASK(&one, XS_READ, 0, "t") && says("one"));
	CHECK(ASK(&one, XS_TRANSACTION_END, b, "T") ==
	      XS_EAGAIN); /* it had read that there is no t */
	c = start(&one);
	CHECK(!WRITE(&one, c, "u\0two") && !WRITE(&two, 0, "other\0z"));
	CHECK(!ASK(&one, XS_TRANSACTION_END, c, "T")); /* somebody else's node disturbs nobody */
	CHECK(!ASK(&one, XS_READ, 0, "u") && says("two") && !ASK(&two, XS_READ, 0, "other") &&
	      says("z"));
	c = start(&one);
	CHECK(!WRITE(&one, c, "u\0gone") && !ASK(&one, XS_TRANSACTION_END, c, "F"));
	CHECK(!ASK(&one, XS_READ, 0, "u") && says("two"));
	CHECK(ASK(&two, XS_READ, c, "other") == XS_ENOENT); /* no such transaction */
	for (u32 i = 0; i < STORE_MAX_TRANSACTIONS; i++)
		start(&two);
	CHECK(ASK(&two, XS_TRANSACTION_START, 0, "") == XS_ENOSPC);
}

static void watches(void)
{
	CHECK(!ASK(&one, XS_WATCH, 0, "w\0tok") && one.events == 1 &&
	      !memcmp(one.last, "w\0tok", 6));
	CHECK(!WRITE(&one, 0, "w/below\0v") && one.events == 2 &&
	      !memcmp(one.last, "w/below\0tok", 12));
	CHECK(!WRITE(&one, 0, "wide\0v") && one.events == 2); /* "wide" is not below "w" */
	CHECK(!ASK(&dom0, XS_RM, 0, "/local/domain/1/w") && one.events == 3);
	CHECK(ASK(&one, XS_WATCH, 0, "w\0tok") == XS_EEXIST);
	CHECK(!ASK(&two, XS_WATCH, 0, "/local/domain/1/w\0t2") && two.events == 1);
	CHECK(!WRITE(&one, 0, "w\0v") && two.events == 1); /* it may not read it */
	CHECK(!ASK(&one, XS_UNWATCH, 0, "w\0tok") &&
	      ASK(&one, XS_UNWATCH, 0, "w\0tok") == XS_ENOENT);
	one.events = 0;
	CHECK(!WRITE(&one, 0, "w\0v") && !one.events);
}

static void limits(void)
{
	char body[64];
	int error = 0;
	u32 made = 0;

	for (; made <= STORE_MAX_NODES && !error; made++) {
		int size = snprintf(body, sizeof(body), "many/%u", made);

		error = ask(&one, XS_WRITE, 0, body, (u32)size + 1);
	}
	CHECK(error == XS_ENOSPC && made > STORE_MAX_NODES / 2);
	CHECK(!WRITE(&two, 0, "still\0here"));
}

int main(void)
{
	CHECK(store_start());
	homes();
	values();
	rights();
	transactions();
	watches();
	limits();
	store_client_gone(&one.store);
	store_client_gone(&two.store);
	store_client_gone(&dom0.store);
	tree_release(store_root);
	store_root = NULL;
	return 0;
}
