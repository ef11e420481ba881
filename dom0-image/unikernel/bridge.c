/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bridge.h"

#include <string.h>

#define PORTS     64u
#define ADDRESSES 256u

static struct nic *ports[PORTS];
static u32 port_count;

static struct {
	u8 mac[6];
	struct nic *nic;
} known[ADDRESSES];

/* An address has one place in the table; another one with the same place takes it over. */
static u32 place(const u8 *mac)
{
	return (mac[3] * 31u + mac[4] * 7u + mac[5]) % ADDRESSES;
}

static void receive(struct nic *from, const void *frame, size_t size)
{
	const u8 *to = frame, *source = to + 6;
	struct nic *only = NULL;
	u32 at = place(source);

	if (!(source[0] & 1)) { /* nobody sends from a group's address */
		memcpy(known[at].mac, source, 6);
		known[at].nic = from;
	}
	at = place(to);
	if (!(to[0] & 1) && known[at].nic && !memcmp(known[at].mac, to, 6))
		only = known[at].nic;
	for (u32 i = 0; i < port_count; i++)
		if (ports[i] != from && (!only || ports[i] == only))
			ports[i]->send(ports[i], frame, size);
}

bool bridge_join(struct nic *nic)
{
	if (port_count == PORTS)
		return false;
	nic->receive = receive;
	ports[port_count++] = nic;
	return true;
}

void bridge_leave(struct nic *nic)
{
	for (u32 i = 0; i < ADDRESSES; i++)
		if (known[i].nic == nic)
			known[i].nic = NULL;
	for (u32 i = 0; i < port_count; i++)
		if (ports[i] == nic) {
			ports[i] = ports[--port_count];
			ports[port_count] = NULL;
			return;
		}
}

struct nic *bridge_port(u32 number)
{
	return number < port_count ? ports[number] : NULL;
}
