/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of guests that Xen starts (compose/nodes.py), on its way into /chosen. Its root's
 * properties and children go there; what depends on the machine is put in or judged here.
 */
#ifndef LOADER_DOMAINS_H
#define LOADER_DOMAINS_H

#include "chosen.h"
#include "output.h"

/* What is wrong with the guests on this machine, or NULL. `start` and `end` are the image's. */
const char *domains_problem(const struct fdt *fdt, const struct fdt *domains, paddr start,
			    paddr end);

/* Can /chosen with these cells say what guests ask for? */
bool domains_fit_cells(const struct fdt *domains, u32 address_cells, u32 size_cells);

/* The properties of the root, for /chosen. */
void put_domain_properties(struct output *out, const struct chosen *chosen);

/* The children of the root; the first command line takes `words` with it. */
void put_domains(struct output *out, const struct fdt *fdt, const struct chosen *chosen,
		 struct text words);

/* A string property's value: two texts with a blank between them (if both have any). */
void put_words(struct output *out, struct text first, struct text second);
u32 words_size(struct text first, struct text second);

/* Is the node at `node` of the machine's tree one that a guest gets? */
bool is_passed_through(const struct fdt *fdt, u32 node, const struct fdt *domains);

#endif
