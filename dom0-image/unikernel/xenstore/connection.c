/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connection.h"

#include "base.h"
#include "event.h"
#include "pagetable.h"
#include "store.h"
#include "xs.h"

#include <stdlib.h>
#include <string.h>

#define FENCE() __atomic_thread_fence(__ATOMIC_SEQ_CST)
/* Requests at a time: others are served as well. */
#define BUDGET 64u

#define MAX_EVENTS 1000u /* that wait for a domain which does not read; more are lost */

struct message {
	struct message *next;
	u32 size, sent;
	char data[]; /* header and body */
};

struct connection {
	struct store_client client;
	struct connection *next;
	volatile struct xs_ring *ring;
	port_t port;
	struct xs_header header;
	char body[XS_BODY + 1];
	u32 got;
	struct message *out, **out_end;
	u32 waiting;
	struct timer again;
};

static struct connection *connections;
static struct store_client local;

static bool queue(struct connection *c, const struct xs_header *header, const char *body)
{
	struct message *made = malloc(sizeof(*made) + sizeof(*header) + header->len);

	if (!made)
		return false;
	made->next = NULL;
	made->sent = 0;
	made->size = (u32)sizeof(*header) + header->len;
	memcpy(made->data, header, sizeof(*header));
	memcpy(made->data + sizeof(*header), body, header->len);
	*c->out_end = made;
	c->out_end = &made->next;
	c->waiting++;
	return true;
}

static void drop_first(struct connection *c)
{
	struct message *first = c->out;

	c->out = first->next;
	if (!c->out)
		c->out_end = &c->out;
	c->waiting--;
	free(first);
}

/* Send what fits. Returns whether something was sent. */
static bool flush(struct connection *c)
{
	bool any = false;

	while (c->out) {
		struct message *m = c->out;

		while (m->sent < m->size && c->ring->rsp_prod - c->ring->rsp_cons < XS_RING) {
			c->ring->rsp[c->ring->rsp_prod % XS_RING] = m->data[m->sent++];
			FENCE();
			c->ring->rsp_prod++;
			any = true;
		}
		if (m->sent < m->size)
			break;
		drop_first(c);
	}
	return any;
}

/* Take what came; true once a request is complete. */
static bool take(struct connection *c, bool *any)
{
	while (c->ring->req_cons != c->ring->req_prod) {
		char byte;

		FENCE();
		byte = c->ring->req[c->ring->req_cons % XS_RING];
		FENCE();
		c->ring->req_cons++;
		*any = true;
		if (c->got < sizeof(c->header))
			((char *)&c->header)[c->got++] = byte;
		else
			c->body[c->got++ - sizeof(c->header)] = byte;
		if (c->got >= sizeof(c->header) &&
		    (c->header.len > XS_BODY || c->got == sizeof(c->header) + c->header.len))
			return true;
	}
	return false;
}

static void detach(struct connection *c)
{
	if (!c->ring)
		return;
	timer_stop(&c->again);
	event_close(c->port);
	unmap_foreign((void *)(uintptr_t)c->ring, 1);
	c->ring = NULL;
}

/* A domain that does not take its replies gets no more of them made. */
static void serve(void *data)
{
	struct connection *c = data;
	char reply[XS_BODY];
	bool any = flush(c);

	for (u32 done = 0; c->ring && !c->out && take(c, &any); done++) {
		c->got = 0;
		if (c->header.len > XS_BODY) {
			detach(c); /* nothing behind it can be understood */
			return;
		}
		c->body[c->header.len] = 0;
		store_serve(&c->client, &c->header, c->body, reply);
		if (!queue(c, &c->header, reply))
			detach(c);
		else
			any |= flush(c);
		if (c->ring && done == BUDGET) {
			timer_set(&c->again, now());
			break;
		}
	}
	if (any && c->ring)
		event_send(c->port);
}

static void event(struct store_client *client, const char *body, u32 length)
{
	struct connection *c = container_of(client, struct connection, client);
	struct xs_header header = {.type = XS_WATCH_EVENT, .len = length};

	if (!c->ring || c->waiting >= MAX_EVENTS || !queue(c, &header, body))
		return;
	if (flush(c))
		event_send(c->port);
}

static struct connection **find(domid_t dom)
{
	struct connection **at = &connections;

	while (*at && (*at)->client.dom != dom)
		at = &(*at)->next;
	return at;
}

int connection_open(domid_t dom, unsigned long frame, port_t port)
{
	mfn_t frames[1] = {frame};
	struct connection *c;
	int local_port;

	if (*find(dom))
		return XS_EEXIST;
	c = calloc(1, sizeof(*c));
	if (!c)
		return XS_ENOMEM;
	c->client.dom = dom;
	c->client.event = event;
	c->again = (struct timer){.fn = serve, .data = c};
	c->out_end = &c->out;
	c->ring = map_foreign(frames, 1, dom, PTE_KERNEL);
	local_port = c->ring ? event_interdomain(dom, port) : -1;
	if (local_port < 0) {
		if (c->ring)
			unmap_foreign((void *)(uintptr_t)c->ring, 1);
		free(c);
		return XS_EINVAL;
	}
	c->port = (port_t)local_port;
	c->next = connections;
	connections = c;
	event_handle(c->port, serve, c);
	return 0;
}

int connection_close(domid_t dom)
{
	struct connection **at = find(dom), *c = *at;

	if (!c)
		return XS_ENOENT;
	*at = c->next;
	detach(c);
	store_client_gone(&c->client);
	while (c->out)
		drop_first(c);
	free(c);
	return 0;
}

static bool introduced(domid_t dom)
{
	return *find(dom) != NULL;
}

static int local_exchange(struct xs_header *header, const char *body, char *reply)
{
	char request[XS_BODY + 1];

	memcpy(request, body, header->len);
	request[header->len] = 0;
	store_serve(&local, header, request, reply);
	return 0;
}

static void local_event(struct store_client *client, const char *body, u32 length)
{
	(void)client;
	xs_watch_event(body, length);
}

void connections_start(void)
{
	if (!store_start())
		panic("no memory for xenstore");
	store_introduce = connection_open;
	store_release = connection_close;
	store_introduced = introduced;
	local.event = local_event;
	xs_start(local_exchange);
}
