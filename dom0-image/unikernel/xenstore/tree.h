/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenstore's tree. Nodes never change: a change makes new ones from the root down to its place and
 * shares the rest, so a snapshot is a reference to a root. A node's version changes with its value,
 * permissions or the set of its children, and not with what is further below.
 */
#ifndef XENSTORE_TREE_H
#define XENSTORE_TREE_H

#include "types.h"

#define STORE_VALUE_MAX 2048u
#define STORE_PERMS_MAX 16u
#define DOMID_LIMIT     0x7ff0u

struct perm {
	domid_t dom; /* of the first: the owner, whose own rights are complete; its mode is
			everybody's */
	u8 mode;     /* PERM_READ | PERM_WRITE */
};

enum { PERM_READ = 1, PERM_WRITE = 2 };

struct node {
	u32 references;
	u64 version;
	const char *name;
	const char *value;
	u32 size;
	u16 perm_count, child_count;
	const struct perm *perms;
	struct node **children; /* sorted by name */
};

/* The empty tree, whose root belongs to dom0; NULL without memory. */
struct node *tree_create(void);
struct node *tree_hold(struct node *node);
void tree_release(struct node *node);

/* The node at an absolute path, or NULL. */
const struct node *tree_find(const struct node *root, const char *path);
/* The version of the node at a path; 0 if there is none. */
u64 tree_version(const struct node *root, const char *path);
/* What a domain may do with the node: PERM_ bits. */
u32 tree_rights(const struct node *node, domid_t dom);
/* The nearest node at or above a path. */
const struct node *tree_nearest(const struct node *root, const char *path);
/* How many nodes belong to a domain. */
u32 tree_owned(const struct node *node, domid_t dom);

/*
 * Changes: *root becomes the new tree. 0 or a positive XS_E... number, and *root is as it was.
 * Nodes that are missing on the way are made; they belong to `dom` and have else the permissions of
 * the one above.
 */
int tree_write(struct node **root, const char *path, domid_t dom, const char *value, u32 size);
int tree_mkdir(struct node **root, const char *path, domid_t dom);
int tree_remove(struct node **root, const char *path);
int tree_permit(struct node **root, const char *path, const struct perm *perms, u32 count);

#endif
