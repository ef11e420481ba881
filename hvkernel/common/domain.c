/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "asm/machphys.h"
#include "console.h"
#include "cpus.h"
#include "errno.h"
#include "event.h"
#include "frame.h"
#include "grant.h"
#include "guest.h"
#include "lib.h"
#include "sched.h"

struct domain *domains[MAX_DOMAINS];
struct domain *dom0;
struct cpu *cpus[MAX_CPUS];
unsigned int cpu_count;
ulong online_cpus;

struct domain *domain_by_id(domid_t id)
{
	for (unsigned int i = 0; i < MAX_DOMAINS; i++)
		if (domains[i] && domains[i]->id == id)
			return domains[i];
	return NULL;
}

struct domain *domain_for(domid_t id)
{
	struct domain *self = current->domain;

	if (id == DOMID_SELF || id == self->id)
		return self;
	return self->privileged ? domain_by_id(id) : NULL;
}

#define OWN_FRAMES 3 /* struct domain, shared_info, struct grant_table */

/*
 * How many frames of the hypervisor's own a domain of this shape may cause to be taken at a time:
 * what it is itself, its vcpus, every port, a vcpu's context on its way, and grants. A front end
 * grants, with a table as large as the domain's builder allows; a back end maps, with all handles
 * that there are. dom0 is both; another domain gets what the greater of the two needs, and shares
 * it out as it likes.
 */
static ulong budget(const struct domain *d, unsigned int vcpus)
{
	ulong granting = d->grants ? d->grants->max_frames : GRANT_FRAMES_MAX;
	ulong mapping = MAPTRACK_FRAMES_MAX;

	granting += ACTIVE_PAGES_OF(granting);
	return OWN_FRAMES + vcpus * VCPU_FRAMES + EVTCHN_PAGES + (1ul << CONTEXT_ORDER) +
	       (d->privileged ? granting + mapping : MAX(granting, mapping));
}

void domain_limit_grants(struct domain *d, unsigned int frames)
{
	d->grants->max_frames = frames;
	d->hv_frames_max = budget(d, d->max_vcpus);
}

static void vcpu_free(struct vcpu *v)
{
	sched_vcpu_gone(v);
	timer_stop(&v->singleshot);
	timer_stop(&v->poll_timer);
	arch_vcpu_destroy(v);
	domain_hv_free(v->domain, v, VCPU_ORDER);
}

static void domain_free(struct domain *d)
{
	for (unsigned int i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i])
			vcpu_free(d->vcpu[i]);
	events_free(d);
	domains[d->slot] = NULL;
	if (d->hv_frames != 1) /* itself */
		panic("domain %u is gone and does not give back %ld frames of the hypervisor's",
		      d->id, (long)(d->hv_frames - 1));
	hv_free(d, 0);
}

int domain_create(domid_t id, bool privileged, struct domain **out)
{
	unsigned int slot = 0;
	struct domain *d;

	if (id >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	if (domain_by_id(id))
		return -EEXIST;
	while (slot < MAX_DOMAINS && domains[slot])
		slot++;
	if (slot == MAX_DOMAINS)
		return -ENOSPC;
	d = hv_alloc(0);
	if (!d)
		return -ENOMEM;
	d->id = id;
	d->slot = (u8)slot;
	d->privileged = privileged;
	d->hv_frames = 1; /* this one */
	d->hv_frames_max = budget(d, 0);
	d->weight = DEFAULT_WEIGHT;
	d->pause_count = 1; /* the builder unpauses it */
	list_init(&d->pages);
	domains[slot] = d;
	d->shared = domain_shared_alloc(d);
	if (d->shared && !grants_create(d)) {
		*out = d;
		return 0;
	}
	grants_free(d);
	d->dying = d->relinquished = true;
	if (d->shared)
		page_give_up(page_of(direct_frame(d->shared)));
	else
		domain_free(d);
	return -ENOMEM;
}

static void singleshot_fired(void *data)
{
	send_virq(data, VIRQ_TIMER);
}

static void poll_timeout(void *data)
{
	struct vcpu *v = data;

	v->polling = false;
	vcpu_clear_state(v, VCPU_BLOCKED);
}

static struct vcpu *vcpu_create(struct domain *d, unsigned int id)
{
	struct vcpu *v = domain_hv_alloc(d, VCPU_ORDER);

	if (!v)
		return NULL;
	v->domain = d;
	v->id = id;
	v->state = VCPU_DOWN | (d->pause_count ? VCPU_PAUSED : 0);
	timer_init(&v->singleshot, singleshot_fired, v);
	timer_init(&v->poll_timer, poll_timeout, v);
	sched_vcpu_init(v);
	vcpu_set_info(v);
	if (arch_vcpu_create(v)) {
		domain_hv_free(d, v, VCPU_ORDER);
		return NULL;
	}
	return v;
}

/* Where the ABI puts vcpu_info by itself. */
void vcpu_set_info(struct vcpu *v)
{
	v->info = &v->domain->shared->vcpu_info[v->id];
	v->info->upcall_mask = 1;
}

int domain_add_vcpus(struct domain *d, unsigned int count)
{
	if (!count || count > MAX_VCPUS || count < d->max_vcpus)
		return -EINVAL;
	for (unsigned int i = d->max_vcpus; i < count; i++) {
		d->hv_frames_max = budget(d, i + 1);
		d->vcpu[i] = vcpu_create(d, i);
		if (!d->vcpu[i]) {
			d->hv_frames_max = budget(d, i);
			return -ENOMEM;
		}
		d->max_vcpus = i + 1;
	}
	return 0;
}

void domain_pause(struct domain *d)
{
	if (d->pause_count++)
		return;
	for (unsigned int i = 0; i < d->max_vcpus; i++)
		vcpu_set_state(d->vcpu[i], VCPU_PAUSED);
}

void domain_unpause(struct domain *d)
{
	if (!d->pause_count || --d->pause_count || d->shut_down || d->dying)
		return;
	for (unsigned int i = 0; i < d->max_vcpus; i++)
		vcpu_clear_state(d->vcpu[i], VCPU_PAUSED);
}

void domain_shutdown(struct domain *d, u8 reason)
{
	if (d == dom0) {
		printk("dom0 has shut down, reason %u\n", reason);
		machine_stop(reason == SHUTDOWN_reboot, reason == SHUTDOWN_crash ? 2 : 0);
	}
	if (d->shut_down)
		return;
	d->shut_down = true;
	d->shutdown_code = reason;
	for (unsigned int i = 0; i < d->max_vcpus; i++)
		vcpu_set_state(d->vcpu[i], VCPU_PAUSED);
	send_dom0_virq(VIRQ_DOM_EXC);
}

void domain_crash(struct domain *d, const char *why, ...)
{
	char line[160];
	va_list args;

	if (d->shut_down)
		return;
	va_start(args, why);
	vprint_to(line, sizeof(line), why, args);
	va_end(args);
	printk("domain %u crashed: %s\n", d->id, line);
	if (current->domain == d)
		arch_dump_vcpu(current);
	domain_shutdown(d, SHUTDOWN_crash);
}

static bool vcpus_stopped(const struct domain *d)
{
	for (unsigned int i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i]->running)
			return false;
	return true;
}

/* Returns 0 when all is given back that the domain itself holds; frames that others still map
 * keep it as a shell until the last of them is gone (page_put). */
int domain_destroy(struct domain *d)
{
	int error;

	if (d == dom0 || d == current->domain)
		return -EINVAL;
	if (!d->dying) {
		d->dying = true;
		for (unsigned int i = 0; i < d->max_vcpus; i++)
			vcpu_set_state(d->vcpu[i], VCPU_PAUSED);
		events_close_all(d);
	}
	if (!vcpus_stopped(d))
		return -ECONTINUE;
	if (d->relinquished)
		return 0;
	error = grants_release_maps(d);
	if (!error)
		error = arch_domain_relinquish(d);
	if (error)
		return error;
	grants_free(d);
	d->relinquished = true;
	page_give_up(page_of(direct_frame(d->shared)));
	send_dom0_virq(VIRQ_DOM_EXC);
	return 0;
}

void domains_reap(void)
{
	for (unsigned int i = 0; i < MAX_DOMAINS; i++)
		if (domains[i] && domains[i]->relinquished && !domains[i]->held_pages)
			domain_free(domains[i]);
}
