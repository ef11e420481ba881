/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The suite of attacks. Each is a function behind one of the macros below, which make it a row of
 * the table; a file of them is all that a new family needs. dom0 (suite.c) has an unprivileged
 * domain run one after the other, and looks after each that a neighbour goes on unharmed; then it
 * runs those itself that are meant for it.
 */
#ifndef TEST_SUITE_H
#define TEST_SUITE_H

#include "guest.h"

enum verdict {
	REFUSED, /* returns the error that the row names */
	FAULTS,  /* faults, in its author */
	HOLDS,   /* returns 0: what it tried had no effect that it should not have */
	KILLS,   /* never comes back: its author has crashed */
	ENDS,    /* comes back, or crashes or hangs its author; CPUs differ */
};

#define BY_DOMU 1u
#define BY_DOM0 2u
#define FRESH   4u /* in a domain that has done nothing yet */
#define GREEDY                                                                                     \
	8u /* while its author is there, another domain must get memory of the hypervisor's */

struct attack {
	const char *name;
	long (*run)(void);
	u16 verdict, by;
	long error; /* the value that is to be returned */
};

extern const struct attack attacks_begin[], attacks_end[];

#define ATTACK(id, verdict, by, error)                                                             \
	static long attack_##id(void);                                                             \
	static const struct attack row_##id                                                        \
	    __attribute__((section("attacks"), used, aligned(sizeof(long)))) = {                   \
		#id, attack_##id, verdict, by, error};                                             \
	static long attack_##id(void)

#define REFUSED(id, error)         ATTACK(id, REFUSED, BY_DOMU | BY_DOM0, -(error))
#define REFUSED_TO_DOMU(id, error) ATTACK(id, REFUSED, BY_DOMU, -(error))
#define REFUSED_TO_DOM0(id, error) ATTACK(id, REFUSED, BY_DOM0, -(error))
#define REFUSED_STATUS(id, status) ATTACK(id, REFUSED, BY_DOMU | BY_DOM0, status)
#define FAULTS(id)                 ATTACK(id, FAULTS, BY_DOMU | BY_DOM0, 0)
#define HOLDS(id)                  ATTACK(id, HOLDS, BY_DOMU | BY_DOM0, 0)
#define HOLDS_FOR_DOMU(id)         ATTACK(id, HOLDS, BY_DOMU, 0)
#define KILLS(id)                  ATTACK(id, KILLS, BY_DOMU, 0)
#define ENDS(id)                   ATTACK(id, ENDS, BY_DOMU, 0)

/* What dom0 and a domU of the suite tell each other: a page that lies at the same place in both. */
struct bench {
	volatile u32 wanted, done; /* attacks that were ordered and done; 1 is the first row */
	volatile u32 wrong;        /* the last one did not end as its row says */
	volatile long result;
	volatile u32 beats;  /* of the neighbour: rounds that it found itself unharmed */
	volatile u32 harmed; /* and what it found otherwise */
	/* For attackers: */
	domid_t neighbour;
	u32 neighbour_port, neighbour_ref;
	ulong neighbour_frame; /* of this page of its */
	ulong neighbour_root;
};

#define HV_FRAME 0x100ul /* the hypervisor's image begins there */

u64 *l1_of(const void *page);
/* A page of ours that could become a table: nothing maps it writable; and an entry written there.
 */
u64 *table_alloc(void);
void table_fill(u64 *table, unsigned int index, u64 entry);
/* What a row returns that this machine cannot judge, since it lacks what the attack is about. */
#define NOT_JUDGED 0x4e4a

extern struct bench bench;
extern ulong attack_detail; /* what an attack wants to have said when it went wrong */

/* Fills the MMX registers, as a program with secrets does. */
void hold_secret(void);
bool secret_is_held(void);
bool secret_is_seen(void); /* here, by somebody else */

/* The grant table, mapped; and a page of ours granted to `to`, writable: the reference. */
struct grant_entry *grant_entries(void);
u32 grant_page(const void *page, domid_t to);

domid_t own_id(void);

/* The second vcpu runs `function` over and over, until it is told to stop; a fault only makes it
 * begin anew. */
extern u8 second_stack[8192];
bool second_start(void (*function)(void));
void second_stop(void);

#endif
