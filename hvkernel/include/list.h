/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rings of nodes with a head. */
#ifndef HV_LIST_H
#define HV_LIST_H

#include "types.h"

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *head)
{
	head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

/* Puts `node` before `at`: at the tail, if `at` is the head. */
static inline void list_insert(struct list *at, struct list *node)
{
	node->next = at;
	node->prev = at->prev;
	at->prev->next = node;
	at->prev = node;
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#define list_entry(p, type, member) container_of(p, type, member)
#define list_each(p, head)          for (p = (head)->next; p != (head); p = p->next)

#endif
