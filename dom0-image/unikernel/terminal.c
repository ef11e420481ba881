/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "terminal.h"

#include "pagetable.h"
#include "shell.h"

#define FENCE() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define QUIET   (300 * MILLISECOND)

static struct terminal *attached;

static void print_line(struct terminal *t)
{
	notice("[%s] %.*s\n", t->name, (int)t->line_length, t->line);
	t->line_length = 0;
}

static void take(struct terminal *t, char c)
{
	t->log[t->log_end++ % TERMINAL_LOG] = c;
	if (attached == t) {
		console_write(&c, 1);
		return;
	}
	if (c == '\r' || !c)
		return;
	if (c != '\n')
		t->line[t->line_length++] = c;
	if (c == '\n' || t->line_length == sizeof(t->line))
		print_line(t);
}

static void serve(void *data)
{
	struct terminal *t = data;
	u32 cons = t->ring->out_cons, prod = t->ring->out_prod;

	FENCE();
	if (prod - cons > sizeof(t->ring->out))
		cons = prod -
		       sizeof(t->ring->out); /* the guest plays with its counters: its own loss */
	while (cons != prod)
		take(t, t->ring->out[cons++ % sizeof(t->ring->out)]);
	FENCE();
	t->ring->out_cons = cons;
	event_send(t->port);
	if (t->line_length)
		timer_set(&t->quiet, now() + QUIET);
}

static void quiet(void *data)
{
	struct terminal *t = data;

	if (t->line_length)
		print_line(t);
}

bool terminal_open(struct terminal *t, const char *name, domid_t dom, mfn_t frame, port_t port)
{
	int local;

	*t = (struct terminal){.name = name, .quiet = {.fn = quiet, .data = t}};
	t->ring = map_foreign(&frame, 1, dom, PTE_KERNEL);
	if (!t->ring)
		return false;
	local = event_interdomain(dom, port);
	if (local < 0) {
		unmap_foreign((void *)(uintptr_t)t->ring, 1);
		t->ring = NULL;
		return false;
	}
	t->port = (port_t)local;
	event_handle(t->port, serve, t);
	return true;
}

void terminal_close(struct terminal *t)
{
	if (!t->ring)
		return;
	serve(t);
	timer_stop(&t->quiet);
	quiet(t);
	if (attached == t)
		attached = NULL;
	event_close(t->port);
	unmap_foreign((void *)(uintptr_t)t->ring, 1);
	t->ring = NULL;
}

void terminal_type(struct terminal *t, const char *text, size_t size)
{
	if (!t->ring)
		return;
	for (size_t i = 0; i < size; i++) {
		if (t->ring->in_prod - t->ring->in_cons >= sizeof(t->ring->in))
			break;
		t->ring->in[t->ring->in_prod % sizeof(t->ring->in)] = text[i];
		FENCE();
		t->ring->in_prod++;
	}
	event_send(t->port);
}

void terminal_attach(struct terminal *t)
{
	attached = t;
}

struct terminal *terminal_attached(void)
{
	return attached;
}

void terminal_print_log(const struct terminal *t)
{
	u32 at = t->log_end > TERMINAL_LOG ? t->log_end - TERMINAL_LOG : 0;

	for (; at != t->log_end; at++)
		if (t->log[at % TERMINAL_LOG] != '\r')
			console_write(&t->log[at % TERMINAL_LOG], 1);
}
