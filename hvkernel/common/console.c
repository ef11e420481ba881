/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "console.h"
#include "cpus.h"
#include "errno.h"
#include "event.h"
#include "guest.h"
#include "hypercall.h"
#include "lib.h"
#include "sched.h"

#define RING_SIZE  16384
#define INPUT_SIZE 256
#define SWITCH_KEY 1 /* Ctrl-A */

static char ring[RING_SIZE];
static u32 ring_end; /* of all that was ever written; it lies at ring_end % RING_SIZE */

static char input[INPUT_SIZE];
static u32 input_head, input_tail;
static unsigned int switch_keys;
static bool keys_are_ours;

void console_write(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		ring[ring_end++ % RING_SIZE] = text[i];
		if (text[i] == '\n')
			serial_put('\r');
		serial_put(text[i]);
	}
}

/* Lines of other guests say whose they are. */
void console_guest_write(domid_t id, const char *text, size_t size)
{
	static bool at_line_start = true;
	static domid_t last = DOMID_INVALID;
	char name[16];

	if (last != id && !at_line_start)
		console_write("\n", 1);
	for (size_t i = 0; i < size; i++) {
		if (id && (at_line_start || last != id))
			console_write(name, (size_t)print_to(name, sizeof(name), "(d%u) ", id));
		last = id;
		at_line_start = text[i] == '\n';
		console_write(text + i, 1);
	}
}

void console_input(char c)
{
	if (c == SWITCH_KEY) {
		if (++switch_keys < 3)
			return;
		switch_keys = 0;
		keys_are_ours = !keys_are_ours;
		printk("keys go to %s; three times Ctrl-A changes that\n",
		       keys_are_ours ? "hvkernel (h: help)" : "dom0");
		return;
	}
	switch_keys = 0;
	if (keys_are_ours) {
		handle_key(c);
		return;
	}
	if (input_head - input_tail < INPUT_SIZE)
		input[input_head++ % INPUT_SIZE] = c;
	send_dom0_virq(VIRQ_CONSOLE);
}

size_t console_read(char *out, size_t size)
{
	size_t n = 0;

	while (n < size && input_tail != input_head)
		out[n++] = input[input_tail++ % INPUT_SIZE];
	return n;
}

size_t console_ring_read(char *out, size_t size, u32 *index, bool incremental, bool clear)
{
	static u32 ring_start;
	u32 at = incremental ? *index : ring_start;
	size_t n = 0;

	if (ring_end - at > RING_SIZE)
		at = ring_end - RING_SIZE;
	while (n < size && at != ring_end)
		out[n++] = ring[at++ % RING_SIZE];
	*index = at;
	if (clear)
		ring_start = at;
	return n;
}

/* A serial line is slow, and others wait for the lock meanwhile: what is left to write stays in the
 * arguments. */
static long write(ulong *args)
{
	char text[128];
	u32 count = (u32)args[1];

	while (count) {
		size_t size = MIN(count, sizeof(text));

		if (!copy_from_guest(text, args[2], size))
			return -EFAULT;
		console_guest_write(current->domain->id, text, size);
		args[2] += size;
		args[1] = count -= size;
		if (count && preempt_wanted())
			return -ECONTINUE;
	}
	return 0;
}

static long read(u32 count, ulong buffer)
{
	char text[INPUT_SIZE];
	size_t size;

	if (!current->domain->privileged)
		return -EPERM;
	size = console_read(text, MIN(count, sizeof(text)));
	return copy_to_guest(buffer, text, size) ? (long)size : -EFAULT;
}

long console_io(ulong *args)
{
	if ((u32)args[1] > 65536)
		return -E2BIG;
	switch ((u32)args[0]) {
	case CONSOLEIO_write:
		return write(args);
	case CONSOLEIO_read:
		return read((u32)args[1], args[2]);
	default:
		return -ENOSYS;
	}
}
