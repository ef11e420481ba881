/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a PV domain of a kernel: memory, page tables, start page, first vcpu (public/xen.h,
 * "initial memory layout"). */
#ifndef DOM0_BUILD_H
#define DOM0_BUILD_H

#include "config.h"
#include "image.h"
#include "xen.h"

struct built {
	domid_t dom;
	mfn_t store_frame, console_frame;
	port_t store_port, console_port; /* of the domain; unbound, for us */
};

/* NULL and a paused domain, or what went wrong: then nothing is left of it. */
const char *build_domain(const struct guest_config *config, const struct image *image,
			 const void *module, size_t module_size, struct built *built);

#endif
