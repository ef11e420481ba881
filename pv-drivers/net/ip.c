/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ip.h"

#include <stdlib.h>
#include <string.h>

#define ETHER_IP  0x0800u
#define ETHER_ARP 0x0806u
#define ARP_SIZE  28u

enum { ARP_REQUEST = 1, ARP_REPLY = 2 };
enum { ICMP_REPLY = 0, ICMP_ECHO = 8 };

static const u8 everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

void (*ip_udp)(struct ip *ip, u32 from, const u8 *packet, size_t size);
void (*ip_tcp)(struct ip *ip, u32 from, const u8 *packet, size_t size);

u32 ip_sum(u32 sum, const void *data, size_t size)
{
	const u8 *at = data;

	for (; size > 1; size -= 2, at += 2)
		sum += get16(at);
	if (size)
		sum += (u32)*at << 8;
	return (sum & 0xffff) + (sum >> 16);
}

u16 ip_checksum(u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u16)~sum;
}

u32 ip_pseudo(u32 from, u32 to, u8 protocol, size_t size)
{
	u8 header[12];

	put32(header, from);
	put32(header + 4, to);
	put16(header + 8, protocol);
	put16(header + 10, (u32)size);
	return ip_sum(0, header, sizeof(header));
}

static const u8 *neighbour(const struct ip *ip, u32 address)
{
	for (u32 i = 0; i < LENGTH(ip->neighbours); i++)
		if (ip->neighbours[i].address == address)
			return ip->neighbours[i].mac;
	return NULL;
}

static void learn(struct ip *ip, u32 address, const u8 *mac)
{
	u32 i = 0;

	if (((address ^ ip->address) & ip->mask) || address == ip->address)
		return; /* no neighbour */
	while (i < LENGTH(ip->neighbours) && ip->neighbours[i].address != address)
		i++;
	if (i == LENGTH(ip->neighbours))
		i = ip->next_neighbour++ % LENGTH(ip->neighbours);
	ip->neighbours[i].address = address;
	memcpy(ip->neighbours[i].mac, mac, 6);
}

static void ether(u8 *frame, const struct ip *ip, const u8 *to, u32 type)
{
	memcpy(frame, to, 6);
	memcpy(frame + 6, ip->nic->mac, 6);
	put16(frame + 12, type);
}

static void arp_send(struct ip *ip, u32 op, const u8 *mac, u32 address)
{
	u8 frame[60] = {0}; /* the shortest frame of Ethernet */
	u8 *arp = frame + ETHER_BYTES;

	ether(frame, ip, mac, ETHER_ARP);
	put16(arp, 1);
	put16(arp + 2, ETHER_IP);
	arp[4] = 6;
	arp[5] = 4;
	put16(arp + 6, op);
	memcpy(arp + 8, ip->nic->mac, 6);
	put32(arp + 14, ip->address);
	if (op == ARP_REPLY)
		memcpy(arp + 18, mac, 6);
	put32(arp + 24, address);
	ip->nic->send(ip->nic, frame, sizeof(frame));
}

static void arp_received(struct ip *ip, const u8 *arp, size_t size)
{
	if (size < ARP_SIZE || get16(arp) != 1 || get16(arp + 2) != ETHER_IP || arp[4] != 6 ||
	    arp[5] != 4)
		return;
	if (get32(arp + 24) != ip->address)
		return;
	learn(ip, get32(arp + 14), arp + 8);
	if (get16(arp + 6) == ARP_REQUEST)
		arp_send(ip, ARP_REPLY, arp + 8, get32(arp + 14));
}

void ip_send(struct ip *ip, u32 to, u8 protocol, const void *payload, size_t size)
{
	bool near = !((to ^ ip->address) & ip->mask);
	u32 via = near || !ip->gateway ? to : ip->gateway;
	const u8 *mac = neighbour(ip, via);
	u8 frame[FRAME_MAX];
	u8 *header = frame + ETHER_BYTES;

	if (size > IP_PAYLOAD)
		return;
	if (!mac) {
		arp_send(ip, ARP_REQUEST, everybody, via);
		return;
	}
	ether(frame, ip, mac, ETHER_IP);
	memset(header, 0, IP_HEADER);
	header[0] = 0x45;
	put16(header + 2, (u32)(IP_HEADER + size));
	put16(header + 4, ip->last_id++);
	put16(header + 6, 0x4000); /* do not fragment */
	header[8] = 64;
	header[9] = protocol;
	put32(header + 12, ip->address);
	put32(header + 16, to);
	put16(header + 10, ip_checksum(ip_sum(0, header, IP_HEADER)));
	memcpy(header + IP_HEADER, payload, size);
	ip->nic->send(ip->nic, frame, ETHER_BYTES + IP_HEADER + size);
}

static void icmp_received(struct ip *ip, u32 from, const u8 *packet, size_t size)
{
	u8 reply[IP_PAYLOAD];

	if (size < 8 || ip_checksum(ip_sum(0, packet, size)))
		return;
	if (packet[0] == ICMP_REPLY)
		ip->echo_replies++;
	if (packet[0] != ICMP_ECHO)
		return;
	memcpy(reply, packet, size);
	reply[0] = ICMP_REPLY;
	put16(reply + 2, 0);
	put16(reply + 2, ip_checksum(ip_sum(0, reply, size)));
	ip_send(ip, from, IP_ICMP, reply, size);
}

void ip_ping(struct ip *ip, u32 to, u16 number)
{
	u8 packet[64] = {ICMP_ECHO};

	put16(packet + 4, 0x7862);
	put16(packet + 6, number);
	put16(packet + 2, ip_checksum(ip_sum(0, packet, sizeof(packet))));
	ip_send(ip, to, IP_ICMP, packet, sizeof(packet));
}

static void ip_received(struct ip *ip, const u8 *mac, const u8 *packet, size_t size)
{
	size_t header, total;
	u32 from;

	if (size < IP_HEADER || packet[0] >> 4 != 4)
		return;
	header = (packet[0] & 15u) * 4u;
	total = get16(packet + 2);
	if (header < IP_HEADER || total < header || total > size || total - header > IP_PAYLOAD ||
	    ip_checksum(ip_sum(0, packet, header)))
		return;
	if (get32(packet + 16) != ip->address || (get16(packet + 6) & 0x3fff))
		return; /* not for us, or in fragments */
	from = get32(packet + 12);
	learn(ip, from, mac);
	if (packet[9] == IP_ICMP)
		icmp_received(ip, from, packet + header, total - header);
	else if (packet[9] == IP_UDP && ip_udp)
		ip_udp(ip, from, packet + header, total - header);
	else if (packet[9] == IP_TCP && ip_tcp)
		ip_tcp(ip, from, packet + header, total - header);
}

static void receive(struct nic *nic, const void *data, size_t size)
{
	const u8 *frame = data;

	if (size < ETHER_BYTES)
		return;
	if (get16(frame + 12) == ETHER_ARP)
		arp_received(nic->owner, frame + ETHER_BYTES, size - ETHER_BYTES);
	else if (get16(frame + 12) == ETHER_IP)
		ip_received(nic->owner, frame + 6, frame + ETHER_BYTES, size - ETHER_BYTES);
}

/* Bridges learn where we are now. */
static void announce(struct nic *nic)
{
	struct ip *ip = nic->owner;

	arp_send(ip, ARP_REQUEST, everybody, ip->address);
}

void ip_start(struct ip *ip, struct nic *nic, u32 address, u32 mask, u32 gateway)
{
	*ip = (struct ip){.nic = nic, .address = address, .mask = mask, .gateway = gateway};
	nic->owner = ip;
	nic->receive = receive;
	nic->moved = announce;
	announce(nic);
}

bool ip_parse(const char *text, u32 *address, u32 *mask)
{
	char *end;

	*address = 0;
	for (u32 i = 0; i < 4; i++) {
		unsigned long byte = strtoul(text, &end, 10);

		if (end == text || byte > 255 || (i < 3 && *end != '.'))
			return false;
		*address = *address << 8 | (u32)byte;
		text = i < 3 ? end + 1 : end;
	}
	*mask = 0xffffff00;
	if (*text == '/') {
		unsigned long bits = strtoul(text + 1, &end, 10);

		if (end == text + 1 || bits > 32)
			return false;
		*mask = bits ? ~0u << (32 - bits) : 0;
		text = end;
	}
	return !*text;
}

void udp_send(struct ip *ip, u32 to, u16 from_port, u16 to_port, const void *data, size_t size)
{
	u8 packet[IP_PAYLOAD];
	u32 sum;

	if (size > sizeof(packet) - 8)
		return;
	put16(packet, from_port);
	put16(packet + 2, to_port);
	put16(packet + 4, (u32)size + 8);
	put16(packet + 6, 0);
	memcpy(packet + 8, data, size);
	sum = ip_checksum(ip_sum(ip_pseudo(ip->address, to, IP_UDP, size + 8), packet, size + 8));
	put16(packet + 6, sum ? sum : 0xffff);
	ip_send(ip, to, IP_UDP, packet, size + 8);
}
