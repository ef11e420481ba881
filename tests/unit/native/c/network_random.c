/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guests' little TCP/IP: a conversation by hand, then random frames, under the sanitizers. */
#include "check.h"
#include "event.h"
#include "ip.h"
#include "offload.h"
#include "tcp.h"

#include <string.h>

static u8 sent[FRAME_MAX];
static size_t sent_size;
static u32 sent_count;
static u64 clock_now = 1000;

u64 now(void)
{
	return clock_now;
}

void timer_set(struct timer *timer, u64 at)
{
	timer->at = at;
	timer->armed = true;
}

void timer_stop(struct timer *timer)
{
	timer->armed = false;
}

static void send(struct nic *nic, const void *frame, size_t size)
{
	(void)nic;
	CHECK(size >= FRAME_MIN && size <= FRAME_MAX);
	memcpy(sent, frame, size);
	sent_size = size;
	sent_count++;
}

static struct nic nic = {.mac = {2, 0, 0, 0, 0, 1}, .send = send};
static struct ip ip;

static size_t echo(const u8 *data, size_t size, u8 *answer)
{
	CHECK(size <= TCP_SEGMENT);
	memcpy(answer, data, size);
	return size;
}

/* A frame from 10.0.0.9 to 10.0.0.1 with a right checksum of IPv4. */
static size_t frame_of(u8 *frame, u8 protocol, const u8 *payload, size_t size)
{
	u8 *h = frame + 14;

	memset(frame, 0, 34);
	memcpy(frame, nic.mac, 6);
	frame[6] = 2;
	frame[11] = 9;
	put16(frame + 12, 0x800);
	h[0] = 0x45;
	put16(h + 2, (u32)(20 + size));
	h[8] = 9;
	h[9] = protocol;
	put32(h + 12, 0x0a000009);
	put32(h + 16, 0x0a000001);
	put16(h + 10, ip_checksum(ip_sum(0, h, 20)));
	memcpy(h + 20, payload, size);
	return 34 + size;
}

static void give(const u8 *frame, size_t size)
{
	u8 *exact = malloc(size ? size : 1);

	memcpy(exact, frame, size);
	nic.receive(&nic, exact, size);
	free(exact);
}

static u8 data_offset = 0x50; /* five words */

static void segment(u32 sequence, u32 acknowledged, u8 flags, const char *data)
{
	u8 packet[200] = {0}, frame[300];
	size_t size = 20 + strlen(data);

	put16(packet, 4000);
	put16(packet + 2, 7);
	put32(packet + 4, sequence);
	put32(packet + 8, acknowledged);
	packet[12] = data_offset;
	packet[13] = flags;
	memcpy(packet + 20, data, strlen(data));
	put16(packet + 16,
	      ip_checksum(ip_sum(ip_pseudo(0x0a000009, 0x0a000001, IP_TCP, size), packet, size)));
	give(frame, frame_of(frame, IP_TCP, packet, size));
}

static void conversation(void)
{
	u8 *tcp = sent + 34;
	u32 theirs;

	segment(100, 0, 2, "");
	CHECK(tcp[13] == 0x12 && get32(tcp + 8) == 101);
	theirs = get32(tcp + 4) + 1;
	segment(101, theirs, 0x10, "");
	segment(101, theirs, 0x18, "hello");
	CHECK(sent_size == 34 + 20 + 5 && !memcmp(tcp + 20, "hello", 5) && get32(tcp + 8) == 106);
	sent_count = 0;
	segment(101, theirs, 0x18, "hello"); /* again: acknowledged, not echoed */
	CHECK(sent_count == 1 && sent_size == 34 + 20);
	data_offset = 0xf0;
	segment(106, theirs + 5, 0x18, "x"); /* a header that is longer than the packet */
	data_offset = 0x50;
	CHECK(sent_count == 1);
	segment(106, theirs + 5, 0x11, "");
	CHECK(tcp[13] & 1 && get32(tcp + 8) == 107);
	segment(107, theirs + 6, 0x10, "");
	segment(200, 0, 0x10, "x"); /* of no connection */
	CHECK(tcp[13] & 4);
}

static void checksum_left_out(void)
{
	u8 udp[20] = {0x10, 0, 0, 7, 0, 20, 0xde, 0xad, 'd', 'a', 't', 'a'}, frame[100];
	size_t size = frame_of(frame, IP_UDP, udp, sizeof(udp));

	offload_checksum(frame, size);
	CHECK(!ip_checksum(ip_sum(ip_pseudo(0x0a000009, 0x0a000001, IP_UDP, 20), frame + 34, 20)));
}

int main(int argc, char **argv)
{
	u32 address, mask;

	seed_from(argc, argv);
	CHECK(ip_parse("10.0.0.1/24", &address, &mask) && address == 0x0a000001 &&
	      mask == 0xffffff00);
	CHECK(!ip_parse("10.0.0", &address, &mask) && !ip_parse("10.0.0.256", &address, &mask));
	CHECK(!ip_parse("10.0.0.1/33", &address, &mask) && !ip_parse("10.0.0.1x", &address, &mask));
	tcp_listen(7, echo);
	ip_start(&ip, &nic, 0x0a000001, 0xffffff00, 0);
	conversation();
	checksum_left_out();
	for (u32 i = 0; i < 30000; i++) {
		u8 payload[120], frame[200];
		size_t size = pick(sizeof(payload));

		for (size_t j = 0; j < size; j++)
			payload[j] = (u8)(pick(3) ? pick(256) : 0);
		if (size >= 20 && pick(2)) { /* for the port that is served, with a right sum */
			u32 sum = ip_pseudo(0x0a000009, 0x0a000001, IP_TCP, size);

			put16(payload, 4000 + pick(3));
			put16(payload + 2, 7);
			put16(payload + 16, 0);
			put16(payload + 16, ip_checksum(ip_sum(sum, payload, size)));
			give(frame, frame_of(frame, IP_TCP, payload, size));
			clock_now += 1000;
			continue;
		}
		size = frame_of(frame,
				(u8)(pick(2)   ? IP_TCP
				     : pick(2) ? IP_ICMP
					       : pick(20)),
				payload, size);
		for (u32 changes = pick(3); changes; changes--)
			frame[pick((u32)size)] ^= (u8)pick(256);
		offload_checksum(frame, size);
		give(frame, pick(4) ? size : pick((u32)size + 1));
	}
	return 0;
}
