/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DOM0_TOP_H
#define DOM0_TOP_H

#include "types.h"

/* Watch for so long, then say on the console who had the CPUs. */
void top_begin(u64 seconds);

#endif
