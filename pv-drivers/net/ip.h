/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As much of the Internet's protocols as a small server needs: ARP (RFC 826), IPv4 without
 * fragments (791), ICMP echo (792), UDP (768), and TCP as a server (9293) in tcp.h.
 */
#ifndef NET_IP_H
#define NET_IP_H

#include "nic.h"

enum { IP_ICMP = 1, IP_TCP = 6, IP_UDP = 17 };

#define IP_HEADER   20u
#define IP_PAYLOAD  1480u
#define ETHER_BYTES 14u

struct ip {
	struct nic *nic;
	u32 address, mask, gateway; /* in the host's order; gateway 0: none */
	u16 last_id;
	struct {
		u32 address;
		u8 mac[6];
	} neighbours[16];
	u32 next_neighbour;
	u32 echo_replies; /* answers to our own pings */
};

/* Use the interface for IP. */
void ip_start(struct ip *ip, struct nic *nic, u32 address, u32 mask, u32 gateway);
/* "10.9.0.2/24" or "10.9.0.2"; false if it is not of that form. */
bool ip_parse(const char *text, u32 *address, u32 *mask);

/* What hangs on UDP and TCP; set by those who serve them. */
extern void (*ip_udp)(struct ip *ip, u32 from, const u8 *packet, size_t size);
extern void (*ip_tcp)(struct ip *ip, u32 from, const u8 *packet, size_t size);

/* Send one packet; dropped (and asked for) if the neighbour is not known yet. */
void ip_send(struct ip *ip, u32 to, u8 protocol, const void *payload, size_t size);
void ip_ping(struct ip *ip, u32 to, u16 number);
/* The one's complement sum over some bytes, and its end as a checksum (RFC 1071). */
u32 ip_sum(u32 sum, const void *data, size_t size);
u16 ip_checksum(u32 sum);
/* The sum over the pseudo header of UDP and TCP. */
u32 ip_pseudo(u32 from, u32 to, u8 protocol, size_t size);

/* A datagram of UDP. */
void udp_send(struct ip *ip, u32 to, u16 from_port, u16 to_port, const void *data, size_t size);

static inline u16 get16(const u8 *at)
{
	return (u16)(at[0] << 8 | at[1]);
}

static inline u32 get32(const u8 *at)
{
	return (u32)get16(at) << 16 | get16(at + 2);
}

static inline void put16(u8 *at, u32 value)
{
	at[0] = (u8)(value >> 8);
	at[1] = (u8)value;
}

static inline void put32(u8 *at, u32 value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

#endif
