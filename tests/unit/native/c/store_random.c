/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenstored under random requests of four domains, well formed and not, while memory runs out at
 * random. The sanitizers watch; at the end nothing may be left.
 */
#include "check.h"
#include "store.h"

#include <string.h>

#define CLIENTS 4u

static struct store_client clients[CLIENTS];
static u32 fail_one_in; /* allocations; 0: none fails */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
	return fail_one_in && !pick(fail_one_in) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fail_one_in && !pick(fail_one_in) ? NULL : __real_calloc(count, size);
}

static void event(struct store_client *client, const char *body, u32 length)
{
	CHECK(client >= clients && client < clients + CLIENTS && length <= XS_BODY &&
	      body[length - 1] == 0);
}

static u32 path(char *to)
{
	static const char *const names[] = {"a", "b", "long-name_1",    "c@d",
					    "",  "/", "local/domain/1", "x y"};
	u32 length = 0;

	if (pick(3))
		length = (u32)sprintf(to, "/local/domain/%u/", pick(CLIENTS));
	for (u32 depth = pick(4); depth; depth--)
		length += (u32)sprintf(to + length, "%s%s", names[pick(pick(10) ? 4 : 8)],
				       depth > 1 ? "/" : "");
	to[length] = 0;
	return length + 1;
}

static u32 body(char *to)
{
	static const char *const rests[] = {"value", "n1", "r2",    "b3", "w0",
					    "T",     "F",  "token", "12", ""};
	u32 length = path(to);

	for (u32 more = pick(4); more; more--)
		length += (u32)sprintf(to + length, "%s", rests[pick(10)]) + pick(2);
	if (!pick(20))
		length += pick(1000);
	if (!pick(20))
		length = pick(length + 1);
	return length;
}

static void request(void)
{
	struct store_client *client = &clients[pick(CLIENTS)];
	struct xs_header header = {pick(24), pick(100), 0, 0};
	char *text = __real_calloc(1, XS_BODY + 1), *reply = __real_malloc(XS_BODY);

	if (client->transactions && pick(2))
		header.tx_id = client->transactions->id;
	else if (!pick(10))
		header.tx_id = pick(50);
	header.len = body(text);
	if (pick(3))
		text[header.len] = 0;
	store_serve(client, &header, text, reply);
	CHECK(header.len <= XS_BODY);
	free(text);
	free(reply);
}

int main(int argc, char **argv)
{
	seed_from(argc, argv);
	CHECK(store_start());
	for (u32 i = 0; i < CLIENTS; i++) {
		char home[32], own[8];

		clients[i] = (struct store_client){.dom = (domid_t)i, .event = event};
		sprintf(home, "/local/domain/%u", i);
		sprintf(own, "n%u", i);
		CHECK(!tree_mkdir(&store_root, home, 0));
		CHECK(!tree_permit(&store_root, home, &(struct perm){(domid_t)i, 0}, 1));
	}
	for (u32 i = 0; i < 24000; i++) {
		if (i == 8000)
			fail_one_in = 50;
		request();
		if (!pick(1000))
			store_client_gone(&clients[pick(CLIENTS)]);
	}
	fail_one_in = 0;
	for (u32 i = 0; i < CLIENTS; i++)
		store_client_gone(&clients[i]);
	tree_release(store_root);
	store_root = NULL;
	return 0;
}
