/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that does one thing without end, from a line on its console on, so that all begin at the
 * same time: `do=` on the command line says what. `work` counts what it has computed, `loop` never
 * asks Xen for anything, `flood` sends events to dom0, `hoard` takes whatever Xen or xenstore
 * gives, `crash` writes where nothing is.
 */
#include "base.h"
#include "console.h"
#include "event.h"
#include "hypercall.h"
#include "memory.h"
#include "xs.h"

#include <stdio.h>
#include <string.h>

#define ROUND 4000000u /* steps between two lines of `work` */
#define TURN  256u     /* steps: about as much as the hypercalls of the others */

static volatile u32 sink;

/* Where QEMU counts instructions (-icount) the CPUs of the machine take turns, and `pause` ends a
 * turn: without it one would go on until the next timer of any of them. */
static void compute(u32 steps)
{
	for (u32 i = 0; i < steps; i++) {
		sink += i;
		if (!(i % TURN))
			__asm__ volatile("pause");
	}
}

static void work(void)
{
	for (u32 round = 1;; round++) {
		compute(ROUND);
		printf("work: round %u at %llu ms\n", round,
		       (unsigned long long)(now() / MILLISECOND));
	}
}

static void loop_for_ever(void)
{
	for (;;)
		compute(ROUND);
}

/* To dom0's ends of console and xenstore, and to ourselves. */
static void flood(void)
{
	for (;;) {
		event_send(start_info->console.domu.port);
		event_send(start_info->store_port);
		compute(10);
	}
}

/* Each until it is refused; then how much it was. */
static void hoard(void)
{
	u32 memory = 0, ports = 0, nodes = 0;
	u64 begin = now();
	char path[64];

	for (;;) {
		pfn_t frame;
		struct memory_reservation more = {.extents = &frame, .count = 1, .dom = DOMID_SELF};

		if (hypercall(HC_MEMORY_OP, MEM_INCREASE_RESERVATION, (unsigned long)&more, 0, 0) !=
		    1)
			break;
		memory++;
	}
	while (event_unbound(0) >= 0)
		ports++;
	do
		snprintf(path, sizeof(path), "data/%u", nodes);
	while (nodes < 100000 && !xs_write(XS_NO_TX, path, "much text for one node of a guest") &&
	       ++nodes);
	printf("hoard: refused after %u pages, %u ports, %u nodes, %llu ms\n", memory, ports, nodes,
	       (unsigned long long)((now() - begin) / MILLISECOND));
	for (;;) {
		pfn_t frame;
		struct memory_reservation more = {.extents = &frame, .count = 1, .dom = DOMID_SELF};

		while (pages_alloc(1))
			;
		hypercall(HC_MEMORY_OP, MEM_INCREASE_RESERVATION, (unsigned long)&more, 0, 0);
		event_unbound(0);
		compute(1);
	}
}

static void crash(void)
{
	*(volatile u32 *)0xf0000000ul = 1;
}

static const struct {
	const char *name;
	void (*run)(void);
} deeds[] = {
    {"work", work}, {"loop", loop_for_ever}, {"flood", flood}, {"hoard", hoard}, {"crash", crash}};

enum shutdown_reason main(void)
{
	char deed[16] = "", typed;

	option("do", deed, sizeof(deed));
	xs_start_ring();
	printf("bully: waits to %s\n", deed);
	while (!console_read(&typed, 1))
		loop(now() + SECOND);
	printf("bully: begins to %s\n", deed);
	for (u32 i = 0; i < LENGTH(deeds); i++)
		if (!strcmp(deeds[i].name, deed))
			deeds[i].run();
	panic("there is no such deed");
}
