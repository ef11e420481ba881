/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two guests of the bench have in common. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "ip.h"

/* The page that the partner lets the bench use. */
struct meeting {
	volatile u32 spin;   /* the partner yields as long as this is set */
	volatile u32 yields; /* how often it has */
};

/* A guest of the bridge, with the address of `address=` on its command line. */
void network_start(struct ip *ip);
/* The guest that answers; it never ends. `bench` is who asks. */
__attribute__((noreturn)) void partner(domid_t bench);

#endif
