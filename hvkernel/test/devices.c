/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupts of a device as dom0 gets them: the clock (MC146818, registers A to C), which asks for
 * one 1024 times a second. */
#include "guest.h"
#include "abi/physdev.h"
#include "lib.h"

#define RTC_GSI      8
#define RTC_PERIODIC 0x40 /* of register B */
#define PATIENCE     20000000000ull

static u8 rtc_read(u8 index)
{
	u8 value;

	__asm__ volatile("outb %%al, $0x70; inb $0x71, %%al" : "=a"(value) : "a"(index));
	return value;
}

static void rtc_write(u8 index, u8 value)
{
	__asm__ volatile("outb %0, $0x70" : : "a"(index));
	__asm__ volatile("outb %0, $0x71" : : "a"(value));
}

static void rtc_periodic(bool on)
{
	u8 b = rtc_read(0xb) & (u8)~RTC_PERIODIC;

	rtc_write(0xb, on ? b | RTC_PERIODIC : b);
	rtc_read(0xc); /* what it has asked for so far is done with */
}

/* Is the port told of an interrupt before the deadline? */
static bool comes(u32 port, u64 deadline)
{
	struct sched_poll poll = {(ulong)&port, 1, deadline};

	while (!test_bit(shared->evtchn_pending, port) && system_time() < deadline)
		CALL2(sched_op, SCHEDOP_poll, &poll);
	if (!test_bit(shared->evtchn_pending, port))
		return false;
	clear_bit(shared->evtchn_pending, port);
	return true;
}

static bool come(u32 port, unsigned int times, bool eoi)
{
	struct physdev_eoi done = {RTC_GSI};

	while (times--) {
		if (!comes(port, system_time() + PATIENCE))
			return false;
		rtc_read(0xc);
		if (eoi)
			CALL2(physdev_op, PHYSDEVOP_eoi, &done);
	}
	return true;
}

static long bind(u32 *port)
{
	struct evtchn_bind_pirq op = {RTC_GSI, 0, 0};
	long error = CALL2(event_channel_op, EVTCHNOP_bind_pirq, &op);

	*port = op.port;
	return error;
}

static void close_port(u32 port)
{
	check(!CALL2(event_channel_op, EVTCHNOP_close, &port), "its port is closed");
}

static void test_edge(void)
{
	u32 port, other;

	check(!bind(&port), "the clock's interrupt is bound");
	check(bind(&other) == -17, "only once");
	set_bit(shared->evtchn_mask, port);
	rtc_periodic(true);
	check(come(port, 5, false), "edges: one event after the other");
	rtc_periodic(false);
	comes(port, system_time() + 5000000); /* one may be under way */
	check(!comes(port, system_time() + 20000000), "none when the device is silent");
	close_port(port);
	rtc_periodic(true);
	check(!comes(port, system_time() + 20000000), "none when the port is closed");
	rtc_periodic(false);
}

static void test_level(void)
{
	struct physdev_setup_gsi gsi = {RTC_GSI, 1, 0};
	struct physdev_irq_status status = {RTC_GSI, 0};
	struct physdev_eoi done = {RTC_GSI};
	u32 port;

	check(!CALL2(physdev_op, PHYSDEVOP_setup_gsi, &gsi), "a level is set up");
	check(!bind(&port), "and bound");
	check(CALL2(physdev_op, PHYSDEVOP_setup_gsi, &gsi) == -16, "and not set up while bound");
	check(!CALL2(physdev_op, PHYSDEVOP_irq_status_query, &status) &&
		  status.flags & IRQSTAT_needs_eoi,
	      "a level wants to be told its end");
	set_bit(shared->evtchn_mask, port);
	rtc_periodic(true);
	check(come(port, 5, true), "levels: one event for each end");
	check(come(port, 1, false) && !comes(port, system_time() + 20000000),
	      "none before its end");
	CALL2(physdev_op, PHYSDEVOP_eoi, &done);
	check(come(port, 1, true), "and again behind it");
	rtc_periodic(false);
	close_port(port);
	gsi.triggering = 0;
	check(!CALL2(physdev_op, PHYSDEVOP_setup_gsi, &gsi), "an edge again");
}

void test_devices(void)
{
	struct physdev_map_pirq map = {DOMID_SELF, MAP_PIRQ_GSI, RTC_GSI, -1, 0, 0, 0, 0};

	check(!CALL2(physdev_op, PHYSDEVOP_map_pirq, &map) && map.pirq == RTC_GSI, "map_pirq");
	test_edge();
	test_level();
}
