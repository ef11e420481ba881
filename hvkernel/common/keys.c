/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug keys on the hypervisor's console, as Xen has them. */
#include "cmdline.h"
#include "console.h"
#include "cpus.h"
#include "event.h"
#include "frame.h"
#include "lib.h"
#include "sched.h"

static void show_domains(void)
{
	for (unsigned int i = 0; i < MAX_DOMAINS; i++) {
		const struct domain *d = domains[i];

		if (!d)
			continue;
		printk("domain %u:%s%s%s pages %lu of %lu, weight %u cap %u, cpu %llu ms\n", d->id,
		       d->dying ? " dying" : "", d->shut_down ? " shut down" : "",
		       d->pause_count ? " paused" : "", d->tot_pages, d->max_pages, d->weight,
		       d->cap, (unsigned long long)(domain_runtime(d) / MS));
		printk("  of the hypervisor's memory: %lu of %lu frames\n", d->hv_frames,
		       d->hv_frames_max);
		for (unsigned int n = 0; n < d->max_vcpus; n++) {
			const struct vcpu *v = d->vcpu[n];

			printk("  vcpu %u: state %x%s on cpu %u, upcall %u mask %u\n", n, v->state,
			       v->running ? " running" : "", v->cpu, v->info->upcall_pending,
			       v->info->upcall_mask);
			arch_dump_vcpu(v);
		}
	}
}

static void show_events(void)
{
	static const char *const names[] = {"closed", "unbound", "interdomain",
					    "pirq",   "virq",    "ipi"};

	for (unsigned int i = 0; i < MAX_DOMAINS; i++)
		for (u32 port = 1; domains[i] && port < MAX_EVTCHNS; port++) {
			struct domain *d = domains[i];
			const struct evtchn *e = event_port(d, port);

			if (!e || e->state == EVTCHNSTAT_closed)
				continue;
			printk("domain %u port %u: %s to %u/%u vcpu %u pending %d masked %d\n",
			       d->id, port, names[e->state], e->remote, e->remote_port, e->vcpu,
			       test_bit(d->shared->evtchn_pending, port),
			       test_bit(d->shared->evtchn_mask, port));
		}
}

static void show_memory(void)
{
	printk("memory: %lu of %lu frames free\n", free_frames, total_frames);
}

static void show_cpus(void)
{
	for (unsigned int i = 0; i < cpu_count; i++) {
		const struct vcpu *v = cpus[i]->vcpu;

		if (v->domain)
			printk("cpu %u: domain %u vcpu %u\n", i, v->domain->id, v->id);
		else
			printk("cpu %u: idle, %llu ms in all\n", i,
			       (unsigned long long)(cpus[i]->idle_time / MS));
	}
}

/* For tests, and only where the command line has the word. */
static u32 fail_at;

static void fail_later(void)
{
	if (cmdline_has("fault-injection"))
		allocation_fail_at(++fail_at);
}

static void fail_no_more(void)
{
	allocation_fail_at(fail_at = 0);
}

static void reboot(void)
{
	machine_stop(true, 0);
}

static void show_help(void);

static const struct {
	char key;
	void (*action)(void);
	const char *help;
} keys[] = {
    {'h', show_help, "this help"},
    {'q', show_domains, "domains and their vcpus"},
    {'e', show_events, "event channels"},
    {'m', show_memory, "memory"},
    {'r', show_cpus, "what runs on each CPU"},
    {'d', dump_stack, "the stack of this CPU"},
    {'f', fail_later, "with fault-injection: the next allocation fails, or one more later"},
    {'F', fail_no_more, "no allocation fails any more"},
    {'R', reboot, "restart the machine"},
};

static void show_help(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		printk("%c: %s\n", keys[i].key, keys[i].help);
}

void handle_key(char key)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].key == key)
			keys[i].action();
}
