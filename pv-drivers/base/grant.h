/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The grant table: pages that others may use, and pages of others. */
#ifndef BASE_GRANT_H
#define BASE_GRANT_H

#include "xen.h"

void grants_start(void);
/* The table is out of reach until grants_resume(). */
void grants_suspend(void);
/* In the same domain, or in a new one with an empty table: whatever was given is forgotten. */
void grants_resume(bool same);

/* Let `dom` use a page of ours; 0 if the table is full (entry 0 is never given). */
gref_t grant_give(domid_t dom, const void *page, bool readonly);
/* Take it back; false if it is still in use, and then the entry stays as it is. */
bool grant_end(gref_t ref);

struct grant_map {
	void *va;
	u32 *handles;
	unsigned long count;
};

/* Map `count` granted pages in a row. False, with nothing mapped, if one of them cannot be. */
bool grant_map(struct grant_map *map, domid_t dom, const gref_t *refs, unsigned long count,
	       bool readonly);
void grant_unmap(struct grant_map *map);

/* Xen copies between our memory and a granted page; no range may cross a page's end. */
bool grant_read(void *to, domid_t dom, gref_t ref, u16 offset, u16 size);
bool grant_write(domid_t dom, gref_t ref, u16 offset, const void *from, u16 size);

#endif
