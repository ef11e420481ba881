/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time: the TSC, measured against the PIT (8254, channel 2) at boot; the local APIC's timer wakes
 * us; the date is read from the RTC once. */
#include "asm/boot.h"
#include "asm/cpu.h"
#include "asm/pv.h"
#include "cpus.h"
#include "domain.h"
#include "lib.h"
#include "timer.h"

#define PIT_HZ     1193182u
#define ROUND_MS   10
#define ROUNDS_MAX 12

u32 apic_ticks_per_ms;
static u64 boot_tsc;
static u32 tsc_khz, scale_mul;
static s8_t scale_shift;
static u64 boot_seconds;

/* (delta << shift) * mul >> 32, the guests' own way to compute it (public/xen.h). */
static u64 scale(u64 delta)
{
	if (scale_shift < 0)
		delta >>= -scale_shift;
	else
		delta <<= scale_shift;
	return (delta >> 32) * scale_mul + (((delta & 0xffffffff) * scale_mul) >> 32);
}

static void set_scale(void)
{
	u64 mul = (1000000ull << 32) / tsc_khz;

	scale_shift = 0;
	while (mul >> 32) {
		mul >>= 1;
		scale_shift++;
	}
	while (!(mul >> 31)) {
		mul <<= 1;
		scale_shift--;
	}
	scale_mul = (u32)mul;
}

u64 now(void)
{
	return scale(rdtsc() - boot_tsc);
}

u64 wall_clock_at_boot(void)
{
	return boot_seconds;
}

u32 cpu_khz(void)
{
	return tsc_khz;
}

/* One round: how far TSC and APIC timer get in ROUND_MS. */
static void measure(u64 *tsc, u32 *apic)
{
	u32 count = PIT_HZ * ROUND_MS / 1000;
	u64 start;

	outb(0x61, (u8)((inb(0x61) & ~2) | 1)); /* gate on, speaker off */
	outb(0x43, 0xb0);                       /* channel 2, mode 0 */
	outb(0x42, (u8)count);
	apic_timer(0xffffffff);
	start = rdtsc();
	outb(0x42, (u8)(count >> 8));
	while (!(inb(0x61) & 0x20))
		;
	*tsc = rdtsc() - start;
	*apic = 0xffffffff - apic_timer_left();
	apic_timer(0);
}

static u8 rtc(u8 index)
{
	outb(0x70, index);
	return inb(0x71);
}

static unsigned int rtc_number(u8 index, bool bcd)
{
	u8 value = rtc(index);

	return bcd ? (value >> 4) * 10u + (value & 15) : value;
}

/* Days since 1970 by the civil calendar (years from March, so that leap days come last). */
static u64 days(unsigned int year, unsigned int month, unsigned int day)
{
	unsigned int y = month > 2 ? year : year - 1, m = (month + 9) % 12;

	return 365ull * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719468;
}

static void read_date(void)
{
	bool bcd = !(rtc(0x0b) & 4);
	unsigned int second, minute, hour, day, month, year;

	do {
		for (unsigned int i = 0; i < 100000 && rtc(0x0a) & 0x80; i++)
			;
		second = rtc_number(0, bcd);
		minute = rtc_number(2, bcd);
		hour = rtc_number(4, bcd);
		day = rtc_number(7, bcd);
		month = rtc_number(8, bcd);
		year = 2000 + rtc_number(9, bcd);
	} while (second != rtc_number(0, bcd));
	boot_seconds = days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

/* A round that was disturbed (by the firmware, or by the machine below us) is too long: the
 * shortest counts, once two agree on it within half a percent. */
void clock_calibrate(void)
{
	u64 tsc, best = ~0ull;
	u32 apic;

	for (unsigned int i = 0, agreed = 0; i < ROUNDS_MAX && agreed < 2; i++) {
		measure(&tsc, &apic);
		if (tsc + tsc / 200 < best)
			agreed = 0;
		agreed += tsc < best || tsc - best < best / 200;
		if (tsc < best) {
			best = tsc;
			apic_ticks_per_ms = MAX(apic / ROUND_MS, 1u);
		}
	}
	tsc_khz = (u32)(best / ROUND_MS);
	set_scale();
	boot_tsc = rdtsc();
	read_date();
	printk("clock: TSC %u kHz, APIC timer %u kHz\n", tsc_khz, apic_ticks_per_ms);
}

void clock_arm(u64 deadline)
{
	u64 when = now(), left;

	if (deadline == NEVER) {
		apic_timer(0);
		return;
	}
	left = deadline > when ? MIN(deadline - when, SEC) : 0;
	left = left * apic_ticks_per_ms / MS;
	apic_timer(MAX((u32)left, 1u));
}

/* The guest reads without a lock: odd while it is written (public/xen.h). */
void time_info_update(struct vcpu *v)
{
	volatile struct vcpu_time_info *t = &v->info->time;
	u64 tsc = rdtsc();

	t->version |= 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	t->tsc_timestamp = tsc;
	t->system_time = scale(tsc - boot_tsc);
	t->tsc_to_system_mul = scale_mul;
	t->tsc_shift = scale_shift;
	t->flags = 1; /* the TSCs of all CPUs are one clock */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	t->version++;
}

void wall_clock_update(struct domain *d)
{
	volatile struct shared_info *s = d->shared;

	s->wc_version |= 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	s->wc_sec = (u32)boot_seconds;
	s->wall_sec_hi = (u32)(boot_seconds >> 32);
	s->wc_nsec = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	s->wc_version++;
}
