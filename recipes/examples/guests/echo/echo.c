/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An echo server (RFC 862): UDP and TCP port 7, and what ping sends. Command line:
 * address=A.B.C.D/BITS, gateway=A.B.C.D, and ping=A.B.C.D to ask somebody else whether they are
 * there.
 */
#include "base.h"
#include "event.h"
#include "ip.h"
#include "manage.h"
#include "netif.h"
#include "tcp.h"
#include "xs.h"

#include <stdio.h>
#include <string.h>

#define PORT 7

static struct ip ip;

static void udp(struct ip *from_ip, u32 from, const u8 *packet, size_t size)
{
	if (size >= 8 && get16(packet + 2) == PORT && get16(packet + 4) >= 8 &&
	    get16(packet + 4) <= size)
		udp_send(from_ip, from, PORT, get16(packet), packet + 8, get16(packet + 4) - 8u);
}

static size_t tcp(const u8 *data, size_t size, u8 *answer)
{
	if (size > TCP_SEGMENT)
		return 0;
	memcpy(answer, data, size);
	return size;
}

/* Ask until there was an answer. */
static void ping(u32 address, const char *name)
{
	for (u16 number = 1; !ip.echo_replies && number <= 50; number++) {
		ip_ping(&ip, address, number);
		for (u64 until = now() + 200 * MILLISECOND; now() < until && !ip.echo_replies;)
			loop(until);
	}
	printf("echo: %s %s\n", name, ip.echo_replies ? "answers" : "does not answer");
}

enum shutdown_reason main(void)
{
	char text[32];
	u32 address, mask, gateway = 0, unused;
	struct nic *nic;

	if (!option("address", text, sizeof(text)) || !ip_parse(text, &address, &mask))
		panic("address=A.B.C.D/BITS is missing");
	xs_start_ring();
	manage_start();
	nic = netfront_open("0");
	if (!nic)
		return SHUTDOWN_CRASH;
	ip_udp = udp;
	tcp_listen(PORT, tcp);
	if (option("gateway", text, sizeof(text)))
		ip_parse(text, &gateway, &unused);
	ip_start(&ip, nic, address, mask, gateway);
	option("address", text, sizeof(text));
	printf("echo: %s at %02x:%02x:%02x:%02x:%02x:%02x, port %d\n", text, nic->mac[0],
	       nic->mac[1], nic->mac[2], nic->mac[3], nic->mac[4], nic->mac[5], PORT);
	if (option("ping", text, sizeof(text)) && ip_parse(text, &address, &unused))
		ping(address, text);
	for (;;)
		loop(UINT64_MAX);
}
