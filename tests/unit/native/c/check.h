/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests that run on the host under the sanitizers: a failed check ends the test with its place.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                 \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* xorshift64* (Vigna 2016): the same numbers everywhere for one seed. */
static uint64_t random_state = 1;

static inline uint32_t pick(uint32_t below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545f4914f6cdd1dull) >> 32) % below;
}

static inline void seed_from(int argc, char **argv)
{
	random_state = argc > 1 ? strtoull(argv[1], NULL, 10) * 2 + 1 : 1;
}

#endif
