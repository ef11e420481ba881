/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both ends of a ring in one program, taking turns at random. Every request is answered once, in
 * order, and no end ever sleeps while there is something for it (it is told, or sees it itself).
 */
#include "check.h"
#include "ring.h"

#include <string.h>

struct entry {
	u32 number;
	u8 pad[104];
};

static struct ring_page page __attribute__((aligned(4096)));
static struct ring front, back;
static bool front_told, back_told;
static u32 made, served, answered;

static void front_turn(void)
{
	u32 count = pick(8);

	front_told = false;
	while (ring_has_response(&front)) {
		struct entry *entry = ring_entry(&front, front.cons++);

		CHECK(entry->number == ~answered);
		answered++;
	}
	for (; count && ring_room(&front); count--) {
		struct entry *entry = ring_entry(&front, front.prod++);

		entry->number = made++;
	}
	back_told |= ring_push_requests(&front);
}

static void back_turn(void)
{
	back_told = false;
	while (ring_has_request(&back)) {
		struct entry entry;

		CHECK(!ring_broken(&back));
		memcpy(&entry, ring_entry(&back, back.cons++), sizeof(entry));
		CHECK(entry.number == served);
		served++;
		((struct entry *)ring_entry(&back, back.prod++))->number = ~entry.number;
		if (!pick(3))
			front_told |= ring_push_responses(&back);
	}
	front_told |= ring_push_responses(&back);
}

static void sizes(void)
{
	static const struct {
		u32 size, count;
	} known[] = {{112, 32}, {108, 32}, {12, 256}, {8, 256}}; /* blkif, netif: public/io */

	for (u32 i = 0; i < LENGTH(known); i++) {
		ring_create(&front, &page, known[i].size);
		CHECK(front.count == known[i].count);
	}
}

int main(int argc, char **argv)
{
	seed_from(argc, argv);
	sizes();
	memset(&page, 0, sizeof(page));
	ring_create(&front, &page, sizeof(struct entry));
	ring_join(&back, &page, sizeof(struct entry));
	front.prod = front.cons = back.prod = back.cons = 0xfffffff0; /* the counters overflow */
	page.req_prod = page.rsp_prod = 0xfffffff0;
	page.req_event = page.rsp_event = 0xfffffff1;
	while (answered < 100000) {
		CHECK(front_told || back_told || made == answered); /* else both sleep */
		if (back_told && (!front_told || pick(2)))
			back_turn();
		else
			front_turn(); /* told, or with nothing under way it begins by itself */
	}
	page.req_prod = back.prod + back.count + 1;
	CHECK(ring_broken(&back));
	return 0;
}
