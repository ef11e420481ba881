/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_CALLBACKS_H
#define BASE_CALLBACKS_H

#include "hypercall.h"

extern char event_upcall[], failsafe[];

static inline void callbacks_set(void)
{
	hypercall(HC_SET_CALLBACKS, KERNEL_CS, (unsigned long)event_upcall, KERNEL_CS,
		  (unsigned long)failsafe);
}

#endif
