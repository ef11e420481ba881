/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xenbus.h"

#include "event.h"

#include <stdio.h>

static void node(char *path, size_t size, const char *folder, const char *name)
{
	snprintf(path, size, "%s/%s", folder, name);
}

static struct xenbus *fronts; /* that are open */
static u32 connecting;

/* Who the other end is. */
static int find_back(struct xenbus *bus)
{
	char path[96];
	unsigned long other;
	int rc;

	node(path, sizeof(path), bus->path, "backend");
	rc = xs_read(XS_NO_TX, path, bus->other, sizeof(bus->other));
	if (rc < 0)
		return rc;
	node(path, sizeof(path), bus->path, "backend-id");
	rc = xs_read_number(XS_NO_TX, path, &other);
	bus->other_id = (domid_t)other;
	return rc;
}

bool xenbus_open(struct xenbus *bus, const char *kind, const char *id, bool (*connect)(void *data),
		 void *data)
{
	bool ok;

	*bus = (struct xenbus){.connect = connect, .data = data};
	snprintf(bus->path, sizeof(bus->path), "device/%s/%s", kind, id);
	connecting++;
	ok = !find_back(bus) && connect(data);
	connecting--;
	if (ok) {
		bus->next = fronts;
		fronts = bus;
	}
	return ok;
}

void xenbus_close(struct xenbus *bus)
{
	struct xenbus **at = &fronts;

	xenbus_switch(bus, XENBUS_CLOSING);
	xenbus_wait(bus, XENBUS_CLOSED, 5 * SECOND);
	xenbus_switch(bus, XENBUS_CLOSED);
	while (*at && *at != bus)
		at = &(*at)->next;
	if (*at)
		*at = bus->next;
}

bool xenbus_connecting(void)
{
	return connecting;
}

/* None of them may use its old back end while another one waits for its new one. */
void xenbus_resume(void)
{
	for (struct xenbus *bus = fronts; bus; bus = bus->next)
		bus->state = XENBUS_UNKNOWN;
	connecting++;
	for (struct xenbus *bus = fronts; bus; bus = bus->next)
		if (find_back(bus) || !bus->connect(bus->data))
			printf("%s cannot be connected again\n", bus->path);
	connecting--;
}

int xenbus_back(struct xenbus *bus, const char *kind, domid_t other, const char *id)
{
	char path[96];
	int rc;

	*bus = (struct xenbus){.other_id = other};
	snprintf(bus->path, sizeof(bus->path), "/local/domain/0/backend/%s/%u/%s", kind, other, id);
	node(path, sizeof(path), bus->path, "frontend");
	rc = xs_read(XS_NO_TX, path, bus->other, sizeof(bus->other));
	return rc < 0 ? rc : 0;
}

int xenbus_switch(struct xenbus *bus, enum xenbus_state state)
{
	bus->state = state;
	return xenbus_put(bus, XS_NO_TX, "state", state);
}

enum xenbus_state xenbus_other_state(const struct xenbus *bus)
{
	return (enum xenbus_state)xenbus_other_number(bus, "state", XENBUS_UNKNOWN);
}

static void follow(void *data, const char *path)
{
	struct xenbus *bus = data;

	(void)path;
	switch (xenbus_other_state(bus)) {
	case XENBUS_INITIALISING:
		if (bus->state != XENBUS_INIT_WAIT) {
			bus->service->disconnect(bus->served);
			xenbus_switch(bus, XENBUS_INIT_WAIT);
		}
		break;
	case XENBUS_INITIALISED:
	case XENBUS_CONNECTED:
		if (bus->state != XENBUS_CONNECTED && bus->state != XENBUS_CLOSING)
			bus->service->connect(bus->served);
		break;
	case XENBUS_CLOSING:
		if (bus->state != XENBUS_CLOSING)
			xenbus_switch(bus, XENBUS_CLOSING);
		break;
	case XENBUS_CLOSED:
		bus->service->disconnect(bus->served);
		if (bus->state != XENBUS_CLOSED)
			xenbus_switch(bus, XENBUS_CLOSED);
		break;
	default:
		break;
	}
}

void xenbus_serve(struct xenbus *bus, const struct xenbus_service *service, void *data)
{
	bus->service = service;
	bus->served = data;
	xenbus_switch(bus, XENBUS_INIT_WAIT);
	node(bus->watched, sizeof(bus->watched), bus->other, "state");
	bus->watch = (struct xs_watch){.path = bus->watched, .fn = follow, .data = bus};
	xs_watch(&bus->watch);
}

void xenbus_forget(struct xenbus *bus)
{
	if (bus->watch.fn)
		xs_unwatch(&bus->watch);
	bus->watch.fn = NULL;
}

bool xenbus_wait(struct xenbus *bus, enum xenbus_state state, u64 timeout)
{
	u64 until = now() + timeout;

	for (;;) {
		enum xenbus_state other = xenbus_other_state(bus);

		if (other >= XENBUS_CLOSING)
			return state >= XENBUS_CLOSING;
		if (other >= state)
			return true;
		if (now() >= until)
			return false;
		loop(now() + 20 * MILLISECOND);
	}
}

int xenbus_put(struct xenbus *bus, u32 tx, const char *name, unsigned long value)
{
	char path[96];

	node(path, sizeof(path), bus->path, name);
	return xs_printf(tx, path, "%lu", value);
}

int xenbus_put_text(struct xenbus *bus, u32 tx, const char *name, const char *value)
{
	char path[96];

	node(path, sizeof(path), bus->path, name);
	return xs_write(tx, path, value);
}

static unsigned long number(const char *folder, const char *name, unsigned long otherwise)
{
	unsigned long value;
	char path[96];

	node(path, sizeof(path), folder, name);
	return xs_read_number(XS_NO_TX, path, &value) ? otherwise : value;
}

unsigned long xenbus_other_number(const struct xenbus *bus, const char *name,
				  unsigned long otherwise)
{
	return number(bus->other, name, otherwise);
}

unsigned long xenbus_own_number(const struct xenbus *bus, const char *name, unsigned long otherwise)
{
	return number(bus->path, name, otherwise);
}

int xenbus_other_text(const struct xenbus *bus, const char *name, char *value, size_t size)
{
	char path[96];

	node(path, sizeof(path), bus->other, name);
	return xs_read(XS_NO_TX, path, value, size);
}

int xenbus_own_text(const struct xenbus *bus, const char *name, char *value, size_t size)
{
	char path[96];

	node(path, sizeof(path), bus->path, name);
	return xs_read(XS_NO_TX, path, value, size);
}
