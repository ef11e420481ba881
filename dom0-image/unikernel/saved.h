/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that has suspended itself, kept in dom0's memory: pages and registers in which frames are
 * written as the guest's own page numbers, so that they can lie anywhere afterwards.
 */
#ifndef DOM0_SAVED_H
#define DOM0_SAVED_H

#include "config.h"
#include "control.h"

struct built;

#define NO_PAGE (~0ul)

struct saved_page {
	void *data; /* NULL: it is all zeros */
	u8 level;   /* of a page table, 0: none */
	bool there, pinned, is_p2m;
	u32 p2m_index; /* of a page of the p2m: which one */
};

struct saved {
	unsigned long count;
	struct saved_page *pages;
	pfn_t start_page; /* of start_info */
	struct shared_info *shared;
	struct vcpu_guest_context *vcpus[32]; /* NULL: never started */
};

/* Take the memory and registers of a domain that has suspended. NULL with *error set. */
struct saved *saved_take(domid_t dom, u32 vcpus, const char **error);
/* Make a domain of it, which is paused. NULL, or what went wrong. */
const char *saved_build(const struct saved *saved, const struct guest_config *config,
			struct built *built);
void saved_free(struct saved *saved);
/* Let a domain that has suspended go on as if it had not: its call of Xen returns 1. */
int saved_cancel(domid_t dom);

/* In arch/. Frames in a page table or in registers as page numbers, and back. */
typedef unsigned long saved_translate(void *data, unsigned long number);
/* What has no translation (NO_PAGE: the hypervisor's part) becomes empty. */
void saved_table(u64 *entries, saved_translate *translate, void *data);
bool saved_registers(struct vcpu_guest_context *context, saved_translate *translate, void *data);
/* The page (or frame) of start_info, which the guest gave when it suspended. */
unsigned long saved_start(const struct vcpu_guest_context *context);

#endif
