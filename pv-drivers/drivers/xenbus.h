/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two ends of a device that find each other in xenstore and go through states (public/io/xenbus.h).
 */
#ifndef DRIVERS_XENBUS_H
#define DRIVERS_XENBUS_H

#include "xs.h"

enum xenbus_state {
	XENBUS_UNKNOWN,
	XENBUS_INITIALISING,
	XENBUS_INIT_WAIT,
	XENBUS_INITIALISED,
	XENBUS_CONNECTED,
	XENBUS_CLOSING,
	XENBUS_CLOSED,
};

/* What a back end does when its front end is there (tried again as long as it has not
 * switched to connected), and when it has gone (perhaps without having been connected). */
struct xenbus_service {
	void (*connect)(void *data);
	void (*disconnect)(void *data);
};

/* One end, as it sees itself and the other. */
struct xenbus {
	char path[64];
	char other[64];
	domid_t other_id;
	enum xenbus_state state;
	struct xs_watch watch;
	char watched[80];
	const struct xenbus_service *service;
	void *served;
	bool (*connect)(void *data); /* front end: to the back end that there is now */
	void *data;
	struct xenbus *next;
};

/*
 * Open the front end "device/KIND/ID" of this domain by `connect`, which says whether it could and
 * switches to connected. After a suspension, in a new domain with a new back end, it is called
 * again; until then the state is none that a front end has.
 */
bool xenbus_open(struct xenbus *bus, const char *kind, const char *id, bool (*connect)(void *data),
		 void *data);
/* A front end that has come to its end. */
void xenbus_close(struct xenbus *bus);
/* Whether a front end is only being connected, for the first time or again. */
bool xenbus_connecting(void);
/* In a new domain: connect all front ends again. */
void xenbus_resume(void);
/* The back end of device `id` of another domain; its node is made by whoever adds the device. */
int xenbus_back(struct xenbus *bus, const char *kind, domid_t other, const char *id);

/* Tell our state. */
int xenbus_switch(struct xenbus *bus, enum xenbus_state state);
enum xenbus_state xenbus_other_state(const struct xenbus *bus);
/* From here on follow the front end's states as a back end. */
void xenbus_serve(struct xenbus *bus, const struct xenbus_service *service, void *data);
void xenbus_forget(struct xenbus *bus);
/* Wait until the other end's state is at least `state`; false after `timeout` or if it closes. */
bool xenbus_wait(struct xenbus *bus, enum xenbus_state state, u64 timeout);

/* Nodes of one of the ends. */
int xenbus_put(struct xenbus *bus, u32 tx, const char *name, unsigned long value);
int xenbus_put_text(struct xenbus *bus, u32 tx, const char *name, const char *value);
/* The number, or `otherwise` where there is none. */
unsigned long xenbus_other_number(const struct xenbus *bus, const char *name,
				  unsigned long otherwise);
unsigned long xenbus_own_number(const struct xenbus *bus, const char *name,
				unsigned long otherwise);
int xenbus_other_text(const struct xenbus *bus, const char *name, char *value, size_t size);
int xenbus_own_text(const struct xenbus *bus, const char *name, char *value, size_t size);

#endif
