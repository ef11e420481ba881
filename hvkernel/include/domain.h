/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HV_DOMAIN_H
#define HV_DOMAIN_H

#include "abi/xen.h"
#include "asm/vcpu.h"
#include "list.h"
#include "timer.h"
#include "types.h"

#define MAX_DOMAINS 64
#define MAX_VCPUS   32
#define MAX_CPUS    32

struct evtchn;
struct grant_table;

/* Why a vcpu does not want to run, or must not: it runs if no bit is set. */
#define VCPU_BLOCKED 1 /* waits for an event */
#define VCPU_DOWN    2 /* not brought up yet, or taken down */
#define VCPU_PAUSED  4 /* its domain is paused, dying or shut down */

struct vcpu {
	struct domain *domain; /* NULL: the idle vcpu of a CPU */
	unsigned int id;
	u32 state;
	unsigned int cpu; /* where it runs, or ran last */
	bool running;
	bool initialised;
	bool yielded;
	bool polling;  /* SCHEDOP_poll: any event wakes it, masked or not */
	u32 poll_port; /* 0: any */

	struct vcpu_info *info; /* in shared_info or where the guest wants it */
	struct page *info_page; /* the guest's page that it is in; NULL: shared_info */
	void *info_mapped;      /* where it stays mapped for the hypervisor */

	struct timer singleshot;
	struct timer poll_timer;
	u16 virq_port[NR_VIRQS];

	/* sched.c */
	struct list queue;
	s64 vruntime;
	u64 slice_start;
	s64 cap_part;   /* of its domain's cap_left: what it was given and has not used, ns */
	ulong affinity; /* bit n: may run on CPU n */
	struct runstate_info runstate;
	ulong runstate_guest; /* where the guest wants a copy; 0: nowhere */

	struct arch_vcpu arch;
};

struct domain {
	domid_t id;
	u8 slot;
	bool privileged;
	bool dying;
	bool relinquished; /* nothing of it holds frames any more */
	bool shut_down;
	u8 shutdown_code;
	u32 pause_count;
	u32 denied; /* attempts at what only dom0 may do */
	u8 handle[16];

	struct vcpu *vcpu[MAX_VCPUS];
	unsigned int max_vcpus;

	struct list pages;
	ulong tot_pages, max_pages; /* that the guest knows of */
	ulong held_pages;           /* with the shared ones */
	ulong hv_frames;            /* of the hypervisor's, that it is charged with */
	ulong hv_frames_max;

	struct shared_info *shared;
	struct evtchn *ports[16]; /* a page each */
	struct grant_table *grants;

	/* sched.c */
	u32 weight, cap; /* cap in percent of one CPU; 0: none */
	s64 cap_left;    /* CPU time that the cap leaves it and no vcpu has, ns */

	ulong vm_assist;
	struct arch_domain arch;
};

extern struct domain *domains[MAX_DOMAINS];
extern struct domain *dom0;

struct domain *domain_by_id(domid_t id);
static inline struct domain *domain_in_slot(u8 slot)
{
	return slot < MAX_DOMAINS ? domains[slot] : NULL;
}

/* DOMID_SELF or a number; NULL: there is none, or `current` may not touch it. */
struct domain *domain_for(domid_t id);

int domain_create(domid_t id, bool privileged, struct domain **out);
int domain_add_vcpus(struct domain *d, unsigned int count);
/* Before it has granted anything: how large its grant table may become. */
void domain_limit_grants(struct domain *d, unsigned int frames);
void domain_pause(struct domain *d);
void domain_unpause(struct domain *d);
void domain_shutdown(struct domain *d, u8 reason);
/* Only its author dies of a mistake: says why, shuts it down as crashed. */
__attribute__((format(printf, 2, 3))) void domain_crash(struct domain *d, const char *why, ...);
/* -ECONTINUE: there is more to do. */
void domains_reap(void);
int domain_destroy(struct domain *d);
void vcpu_set_info(struct vcpu *v);
void vcpu_drop_info(struct vcpu *v);

/* By the arch: */
int arch_vcpu_create(struct vcpu *v);
void arch_vcpu_destroy(struct vcpu *v);
/* Drops what vcpus hold of the domain's frames, then frames themselves; may be -ECONTINUE. */
int arch_domain_relinquish(struct domain *d);

#endif
