/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the test guest needs of a machine: hypercalls, a console, its page tables. */
#ifndef TEST_GUEST_H
#define TEST_GUEST_H

#include "abi/control.h"
#include "abi/event.h"
#include "abi/grant.h"
#include "abi/memory.h"
#include "abi/xen.h"

extern struct start_info *start;
extern struct shared_info *shared;
extern volatile unsigned int traps_seen[258]; /* 256: events, 257: the failsafe callback */
extern volatile ulong last_error, last_address;
extern volatile u32 last_port;

long hypercall5(ulong nr, ulong a, ulong b, ulong c, ulong d, ulong e);
#define CALL1(nr, a)          hypercall5(HC_##nr, (ulong)(a), 0, 0, 0, 0)
#define CALL2(nr, a, b)       hypercall5(HC_##nr, (ulong)(a), (ulong)(b), 0, 0, 0)
#define CALL3(nr, a, b, c)    hypercall5(HC_##nr, (ulong)(a), (ulong)(b), (ulong)(c), 0, 0)
#define CALL4(nr, a, b, c, d) hypercall5(HC_##nr, (ulong)(a), (ulong)(b), (ulong)(c), (ulong)(d), 0)

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void leave(u32 reason);
/* Counts and prints a result. */
void check(bool good, const char *what);
extern unsigned int failures;

/* Calls it; false if it faulted. */
ulong probe(void (*function)(ulong), ulong argument);
void enter_user(ulong ip, ulong sp);
extern ulong user_cs;        /* that it enters with */
extern bool failsafe_wanted; /* the callback comes back; otherwise it ends the domain */
bool set_user_root(void);    /* page tables for applications, where they have their own */
extern char user_code[];     /* calls its kernel */

ulong frame_of(const void *va);              /* of our own memory */
u64 entry_of(ulong va);                      /* what maps it now */
long map(ulong va, u64 entry);               /* update_va_mapping */
u64 *table_of(ulong va, unsigned int level); /* the table, as we see it (read only) */
void *page_alloc(void);                      /* zeroed */
void *page_next(void);                       /* what it would give next */
void page_release(void *first);              /* this page and all behind it, mapped as they were */
void *memory_after_us(void);                 /* first address that is not mapped */

u64 machine(const void *va);   /* address of our own memory */
long update(u64 ptr, u64 val); /* mmu_update of one entry */
long ext(u32 cmd, ulong arg1); /* mmuext_op, one */
/* A vcpu begins in the kernel's segments, by the page tables with this root. */
void kernel_context(struct vcpu_guest_context *context, ulong root);
void read_at(ulong va); /* for probe */
void write_at(ulong va);
extern const u64 rw, ro; /* flags of entries */

u64 system_time(void);
/* Sleeps; events may come. */
void nap(u64 ns);
_Noreturn void ruin_stack(void); /* its next trap has nowhere to go */

void test_memory(void);
void test_events(void);
void test_grants(void);
void test_user(void);
void test_domains(void);
void test_suite(const char *prefix); /* of the names of those attacks that are made */
void test_cycles(u32 turns);
void test_faults(void);
void test_devices(void);
void test_hotplug(void);                    /* in a domU */
_Noreturn void churn(void);                 /* a domU of it */
void test_caps(u64 ns, bool all);           /* looks that long at each row */
_Noreturn void burn_on(unsigned int vcpus); /* a domU of it */

void *memset(void *to, int value, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);

/* What a domU of ours does, by its command line. */
_Noreturn void guest_role(const char *words);
/* Does not come back if the words name a part in the suite of attacks (suite.h). */
void suite_role(const char *words);

#ifdef __i386__
#define LEVELS    3
#define VIRT_BASE 0x40000000ul
#define MACHPHYS  0xf5800000ul
#define KERNEL_CS 0xe019
#define KERNEL_SS 0xe021
#define HV_BEGIN  0xf5800000ul
#define HV_INSIDE 0xfb100000ul
#else
#define LEVELS    4
#define VIRT_BASE 0xffffffff80000000ul
#define MACHPHYS  0xffff800000000000ul
#define KERNEL_CS 0xe033
#define KERNEL_SS 0xe02b
#define HV_BEGIN  0xffff800000000000ul
#define HV_INSIDE 0xffff830000100000ul
#endif

#endif
