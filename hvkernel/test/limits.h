/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks that are about what QEMU's TCG does not check. */
#ifndef TEST_LIMITS_H
#define TEST_LIMITS_H

#include "suite.h"

bool machine_checks_limits(void);

/* A row that only a machine which checks limits can judge: 0 if it holds. */
#define LIMITS(id)                                                                                 \
	static long limits_##id(void);                                                             \
	HOLDS(id)                                                                                  \
	{                                                                                          \
		return machine_checks_limits() ? limits_##id() : NOT_JUDGED;                       \
	}                                                                                          \
	static long limits_##id(void)

#endif
