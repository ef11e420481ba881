/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcp.h"

#include "event.h"

#include <string.h>

#define CONNECTIONS 16
#define HEADER      20u
#define RETRY       (200 * MILLISECOND)
#define TRIES       8

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum state { FREE, SYN_RECEIVED, ESTABLISHED, LAST_ACK };

struct connection {
	enum state state;
	struct ip *ip;
	u32 address;
	u16 port, local;
	u32 next, acked, expected; /* ours to send, ours that they have, theirs to come */
	u8 data[TCP_SEGMENT];      /* the segment in flight */
	u16 size;
	u8 flags;
	u32 tries;
	struct timer retry;
};

struct segment {
	u16 from, to;
	u32 sequence, acknowledged;
	u8 flags;
	const u8 *data;
	size_t size;
};

static u16 served_port;
static tcp_serve_fn *served_by;
static struct connection connections[CONNECTIONS];

static void send(struct connection *c, u32 sequence, u8 flags, const u8 *data, size_t size)
{
	u8 packet[HEADER + TCP_SEGMENT] = {0};

	put16(packet, c->local);
	put16(packet + 2, c->port);
	put32(packet + 4, sequence);
	put32(packet + 8, c->expected);
	packet[12] = HEADER / 4 << 4;
	packet[13] = flags;
	put16(packet + 14, TCP_SEGMENT); /* window: one segment, as it is answered at once */
	if (size)
		memcpy(packet + HEADER, data, size);
	put16(packet + 16,
	      ip_checksum(ip_sum(ip_pseudo(c->ip->address, c->address, IP_TCP, HEADER + size),
				 packet, HEADER + size)));
	ip_send(c->ip, c->address, IP_TCP, packet, HEADER + size);
}

static void end(struct connection *c)
{
	timer_stop(&c->retry);
	c->state = FREE;
}

static bool in_flight(const struct connection *c)
{
	return c->acked != c->next;
}

static void again(void *data)
{
	struct connection *c = data;

	if (!in_flight(c))
		return;
	if (++c->tries > TRIES) {
		send(c, c->next, RST | ACK, NULL, 0);
		end(c);
		return;
	}
	send(c, c->acked, c->flags, c->data, c->size);
	timer_set(&c->retry, now() + (RETRY << c->tries));
}

/* Send a segment that is kept until it is acknowledged. */
static void transmit(struct connection *c, u8 flags, size_t size)
{
	c->size = (u16)size;
	c->flags = flags;
	c->tries = 0;
	c->acked = c->next;
	c->next += (u32)size + ((flags & (SYN | FIN)) != 0);
	send(c, c->acked, flags, c->data, size);
	timer_set(&c->retry, now() + RETRY);
}

static struct connection *find(u32 address, u16 port)
{
	for (u32 i = 0; i < CONNECTIONS; i++)
		if (connections[i].state != FREE && connections[i].address == address &&
		    connections[i].port == port)
			return &connections[i];
	return NULL;
}

static void opened(struct ip *ip, u32 from, const struct segment *segment)
{
	for (u32 i = 0; i < CONNECTIONS; i++) {
		struct connection *c = &connections[i];

		if (c->state != FREE)
			continue;
		*c = (struct connection){.state = SYN_RECEIVED,
					 .ip = ip,
					 .address = from,
					 .port = segment->from,
					 .local = segment->to,
					 .next = (u32)(now() >> 12),
					 .expected = segment->sequence + 1,
					 .retry = {.fn = again, .data = c}};
		transmit(c, SYN | ACK, 0);
		return;
	}
}

static void refuse(struct ip *ip, u32 from, const struct segment *segment)
{
	struct connection none = {
	    .ip = ip, .address = from, .port = segment->from, .local = segment->to};

	none.expected = segment->sequence + (u32)segment->size + (segment->flags & SYN ? 1 : 0);
	if (!(segment->flags & RST))
		send(&none, segment->flags & ACK ? segment->acknowledged : 0, RST | ACK, NULL, 0);
}

static void acknowledged(struct connection *c, const struct segment *segment)
{
	if (!(segment->flags & ACK) || segment->acknowledged != c->next)
		return;
	c->acked = c->next;
	timer_stop(&c->retry);
	if (c->state == SYN_RECEIVED)
		c->state = ESTABLISHED;
	else if (c->state == LAST_ACK)
		end(c);
}

static void arrived(struct connection *c, const struct segment *segment)
{
	acknowledged(c, segment);
	if (c->state != ESTABLISHED || (!segment->size && !(segment->flags & FIN)))
		return;
	if (segment->sequence != c->expected || in_flight(c)) {
		send(c, c->next, ACK, NULL, 0); /* seen already, or too early */
		return;
	}
	c->expected += (u32)segment->size;
	if (segment->flags & FIN) {
		size_t size = segment->size ? served_by(segment->data, segment->size, c->data) : 0;

		c->expected++;
		c->state = LAST_ACK;
		transmit(c, FIN | ACK | (size ? PSH : 0), size);
		return;
	}
	transmit(c, PSH | ACK, served_by(segment->data, segment->size, c->data));
	if (!in_flight(c))
		timer_stop(&c->retry);
}

static void received(struct ip *ip, u32 from, const u8 *packet, size_t size)
{
	struct segment segment;
	struct connection *c;
	size_t header;

	if (size < HEADER ||
	    ip_checksum(ip_sum(ip_pseudo(from, ip->address, IP_TCP, size), packet, size)))
		return;
	header = packet[12] >> 4 << 2;
	if (header < HEADER || header > size)
		return;
	segment = (struct segment){.from = get16(packet),
				   .to = get16(packet + 2),
				   .sequence = get32(packet + 4),
				   .acknowledged = get32(packet + 8),
				   .flags = packet[13],
				   .data = packet + header,
				   .size = size - header};
	if (segment.to != served_port) {
		refuse(ip, from, &segment);
		return;
	}
	c = find(from, segment.from);
	if (c && (segment.flags & (RST | SYN)) == RST && segment.sequence == c->expected)
		end(c);
	else if (c)
		arrived(c, &segment);
	else if ((segment.flags & (SYN | ACK | RST)) == SYN)
		opened(ip, from, &segment);
	else
		refuse(ip, from, &segment);
}

void tcp_listen(u16 port, tcp_serve_fn *serve)
{
	served_port = port;
	served_by = serve;
	ip_tcp = received;
}
