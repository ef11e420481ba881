/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "console.h"

#include "base.h"
#include "event.h"
#include "hypercall.h"
#include "pagetable.h"
#include "stdio.h"
#include "string.h"

static volatile struct console_ring *ring; /* NULL: Xen's console */
static port_t port;
static void (*copy_to)(const char *text, size_t size);

static void (*on_input)(void *data);
static void *on_input_data;

static void ignore(void *data)
{
	(void)data;
}

void console_start(void)
{
	if (!is_dom0()) {
		mfn_t frame = start_info->console.domu.mfn;

		port = start_info->console.domu.port;
		if (frame)
			ring = map_foreign(&frame, 1, DOMID_SELF, PTE_KERNEL);
	} else {
		int virq = event_virq(VIRQ_CONSOLE);

		port = virq < 0 ? 0 : (port_t)virq;
	}
	console_on_input(ignore, NULL);
}

void console_on_input(void (*fn)(void *data), void *data)
{
	on_input = fn;
	on_input_data = data;
	if (port)
		event_handle(port, fn, data);
}

void console_resume(void)
{
	port = start_info->console.domu.port;
	console_on_input(on_input, on_input_data);
}

void console_copy_to(void (*fn)(const char *text, size_t size))
{
	copy_to = fn;
}

static void ring_wait(u64 until)
{
	event_send(port);
	while (ring->out_prod - ring->out_cons == sizeof(ring->out) && now() < until)
		loop(until);
}

static void ring_put(char c)
{
	if (ring->out_prod - ring->out_cons >= sizeof(ring->out))
		ring_wait(now() + SECOND);
	if (ring->out_prod - ring->out_cons >= sizeof(ring->out))
		return; /* nobody listens */
	ring->out[ring->out_prod % sizeof(ring->out)] = c;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	ring->out_prod++;
}

void console_write(const char *text, size_t size)
{
	if (is_dom0()) {
		hypercall(HC_CONSOLE_IO, CONSOLE_WRITE, size, (unsigned long)text, 0);
		if (copy_to)
			copy_to(text, size);
		return;
	}
	if (!ring)
		return;
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\n')
			ring_put('\r');
		ring_put(text[i]);
	}
	event_send(port);
}

void console_flush(void)
{
	u64 until = now() + SECOND;

	while (ring && ring->out_cons != ring->out_prod && now() < until)
		loop(now() + 10 * MILLISECOND);
}

size_t console_read(char *buffer, size_t size)
{
	size_t got = 0;

	if (is_dom0()) {
		long rc = hypercall(HC_CONSOLE_IO, CONSOLE_READ, size, (unsigned long)buffer, 0);

		return rc > 0 ? (size_t)rc : 0;
	}
	while (ring && got < size && ring->in_cons != ring->in_prod) {
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		buffer[got++] = ring->in[ring->in_cons % sizeof(ring->in)];
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		ring->in_cons++;
	}
	if (got)
		event_send(port);
	return got;
}

int vprintf(const char *format, va_list list)
{
	char line[512];
	int length = vsnprintf(line, sizeof(line), format, list);

	if (length > 0)
		console_write(line,
			      (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
	return length;
}

int printf(const char *format, ...)
{
	va_list list;
	int length;

	va_start(list, format);
	length = vprintf(format, list);
	va_end(list);
	return length;
}
