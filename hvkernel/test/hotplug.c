/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A vcpu that goes down and comes up: told by another one, and by itself. */
#include "suite.h"
#include "lib.h"

#define TIMES    20
#define PATIENCE 20000000000ull

static volatile ulong turns;

static void count(void)
{
	turns++;
}

static void go_down(void)
{
	turns++;
	CALL3(vcpu_op, VCPUOP_down, 1, 0);
}

static int runstate(void)
{
	struct runstate_info info;

	CALL3(vcpu_op, VCPUOP_get_runstate_info, 1, &info);
	return info.state;
}

/* It takes a moment until one that runs elsewhere is told. */
static bool goes_offline(void)
{
	u64 until = system_time() + PATIENCE;

	while (runstate() != RUNSTATE_offline && system_time() < until)
		nap(100000);
	return runstate() == RUNSTATE_offline;
}

static bool goes_on(void)
{
	ulong before = turns;
	u64 until = system_time() + PATIENCE;

	while (turns == before && system_time() < until)
		nap(100000);
	return turns != before;
}

static bool stands_still(void)
{
	ulong before = turns;

	nap(1000000);
	return turns == before;
}

static bool down_and_up(void)
{
	return !CALL3(vcpu_op, VCPUOP_down, 1, 0) && goes_offline() &&
	       CALL3(vcpu_op, VCPUOP_is_up, 1, 0) == 0 && stands_still() &&
	       !CALL3(vcpu_op, VCPUOP_up, 1, 0) && CALL3(vcpu_op, VCPUOP_is_up, 1, 0) == 1 &&
	       goes_on();
}

void test_hotplug(void)
{
	unsigned int i;

	check(CALL3(vcpu_op, VCPUOP_is_up, 1, 0) == 0, "a vcpu is down at first");
	check(second_start(count) && goes_on(), "it runs when it is up");
	for (i = 0; i < TIMES && down_and_up(); i++)
		;
	check(i == TIMES, "it stands still while it is down, and goes on where it was");
	second_start(go_down);
	check(goes_offline() && stands_still(), "it takes itself down");
	for (i = 0; i < TIMES; i++)
		if (CALL3(vcpu_op, VCPUOP_up, 1, 0) || !goes_offline())
			break;
	check(i == TIMES, "and is woken each time");
}
