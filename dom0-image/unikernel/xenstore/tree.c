/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include "xs_wire.h"

#include <stdlib.h>
#include <string.h>

static u64 last_version;

/* What a change does to the node at its path; NULL as a result: no memory. */
struct change {
	struct node *(*apply)(const struct change *change, struct node *old);
	bool create; /* make nodes that are missing */
	domid_t dom;
	const char *value;
	u32 size;
	const struct perm *perms;
	u32 perm_count;
};

struct node *tree_hold(struct node *node)
{
	node->references++;
	return node;
}

void tree_release(struct node *node)
{
	if (--node->references)
		return;
	for (u32 i = 0; i < node->child_count; i++)
		tree_release(node->children[i]);
	free((void *)node->name);
	free((void *)node->value);
	free((void *)node->perms);
	free(node->children);
	free(node);
}

static void *copy_of(const void *data, size_t size)
{
	void *made = malloc(size ? size : 1);

	return made && size ? memcpy(made, data, size) : made;
}

static struct node *make(const char *name, size_t length, const char *value, u32 size,
			 const struct perm *perms, u32 perm_count)
{
	struct node *node = calloc(1, sizeof(*node));
	char *text;

	if (!node)
		return NULL;
	node->references = 1;
	node->version = ++last_version;
	node->name = text = copy_of(name, length + 1);
	if (text)
		text[length] = 0;
	node->value = copy_of(value, size);
	node->size = size;
	node->perms = copy_of(perms, perm_count * sizeof(*perms));
	node->perm_count = (u16)perm_count;
	if (node->name && node->value && node->perms)
		return node;
	tree_release(node);
	return NULL;
}

struct node *tree_create(void)
{
	static const struct perm dom0 = {0, 0};

	return make("", 0, "", 0, &dom0, 1);
}

/* The place of a name among the children; whether it is there. */
static bool child_at(const struct node *node, const char *name, size_t length, u32 *at)
{
	u32 low = 0, high = node->child_count;

	while (low < high) {
		u32 middle = (low + high) / 2;
		const char *other = node->children[middle]->name;
		int order = strncmp(other, name, length);

		if (!order && other[length])
			order = 1;
		if (!order) {
			*at = middle;
			return true;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*at = low;
	return false;
}

/* The next name of a path behind `*at`, which goes on to its end; 0 at the end of the path. */
static size_t next_name(const char **at, const char **name)
{
	while (**at == '/')
		(*at)++;
	*name = *at;
	while (**at && **at != '/')
		(*at)++;
	return (size_t)(*at - *name);
}

const struct node *tree_nearest(const struct node *root, const char *path)
{
	const char *name;
	size_t length;
	u32 at;

	while ((length = next_name(&path, &name)) && child_at(root, name, length, &at))
		root = root->children[at];
	return root;
}

const struct node *tree_find(const struct node *root, const char *path)
{
	const char *name;
	size_t length;
	u32 at;

	while ((length = next_name(&path, &name))) {
		if (!child_at(root, name, length, &at))
			return NULL;
		root = root->children[at];
	}
	return root;
}

u64 tree_version(const struct node *root, const char *path)
{
	const struct node *node = tree_find(root, path);

	return node ? node->version : 0;
}

u32 tree_rights(const struct node *node, domid_t dom)
{
	if (!dom || node->perms[0].dom == dom)
		return PERM_READ | PERM_WRITE;
	for (u32 i = 1; i < node->perm_count; i++)
		if (node->perms[i].dom == dom)
			return node->perms[i].mode;
	return node->perms[0].mode;
}

u32 tree_owned(const struct node *node, domid_t dom)
{
	u32 count = node->perms[0].dom == dom;

	for (u32 i = 0; i < node->child_count; i++)
		count += tree_owned(node->children[i], dom);
	return count;
}

/* A copy that has `child` at `at`: in place of the one there, or (grow) before it, or (NULL) none.
 */
static struct node *with_child(const struct node *old, u32 at, struct node *child, bool grow)
{
	struct node *made =
	    make(old->name, strlen(old->name), old->value, old->size, old->perms, old->perm_count);
	u32 count = (u32)(old->child_count + grow - !child), from = 0;

	if (!made)
		return NULL;
	if (!grow && child)
		made->version = old->version; /* something further below changed */
	made->children = malloc((count + 1) * sizeof(*made->children));
	if (!made->children) {
		tree_release(made);
		return NULL;
	}
	for (u32 i = 0; i < count; i++) {
		if (i == at && child) {
			made->children[i] = tree_hold(child);
			from += !grow;
			continue;
		}
		if (i == at)
			from++;
		made->children[i] = tree_hold(old->children[from++]);
	}
	made->child_count = (u16)count;
	return made;
}

static struct node *without_children(const struct change *change, const struct node *old)
{
	return make(old->name, strlen(old->name), change->value ? change->value : old->value,
		    change->value ? change->size : old->size,
		    change->perms ? change->perms : old->perms,
		    change->perms ? change->perm_count : old->perm_count);
}

/* The node with another value or other permissions. */
static struct node *replaced(const struct change *change, struct node *old)
{
	struct node *made = without_children(change, old);

	if (!made)
		return NULL;
	made->children = malloc((old->child_count + 1u) * sizeof(*made->children));
	if (!made->children) {
		tree_release(made);
		return NULL;
	}
	for (u32 i = 0; i < old->child_count; i++)
		made->children[i] = tree_hold(old->children[i]);
	made->child_count = old->child_count;
	return made;
}

static struct node *kept(const struct change *change, struct node *old)
{
	(void)change;
	return tree_hold(old);
}

/* A new node below `parent`, with its permissions but for the owner. */
static struct node *born(const struct change *change, const struct node *parent, const char *name,
			 size_t length)
{
	struct perm perms[STORE_PERMS_MAX];

	memcpy(perms, parent->perms, parent->perm_count * sizeof(*perms));
	if (change->dom)
		perms[0].dom = change->dom;
	return make(name, length, "", 0, perms, parent->perm_count);
}

/* The tree at `old` after the change at `path`. NULL: *error says why not. */
static struct node *changed(struct node *old, const char *path, const struct change *change,
			    int *error)
{
	struct node *child, *below, *made;
	const char *name;
	size_t length = next_name(&path, &name);
	bool there;
	u32 at;

	if (!length) {
		made = change->apply(change, old);
		*error = made ? 0 : XS_ENOMEM;
		return made;
	}
	there = child_at(old, name, length, &at);
	if (!there && !change->create) {
		*error = XS_ENOENT;
		return NULL;
	}
	child = there ? tree_hold(old->children[at]) : born(change, old, name, length);
	*error = XS_ENOMEM;
	below = child ? changed(child, path, change, error) : NULL;
	if (child)
		tree_release(child);
	if (!below)
		return NULL;
	made = with_child(old, at, below, !there);
	tree_release(below);
	*error = made ? 0 : XS_ENOMEM;
	return made;
}

static int apply(struct node **root, const char *path, const struct change *change)
{
	int error = XS_ENOMEM;
	struct node *made = changed(*root, path, change, &error);

	if (!made)
		return error;
	tree_release(*root);
	*root = made;
	return 0;
}

int tree_write(struct node **root, const char *path, domid_t dom, const char *value, u32 size)
{
	struct change change = {
	    .apply = replaced, .create = true, .dom = dom, .value = value, .size = size};

	return apply(root, path, &change);
}

int tree_mkdir(struct node **root, const char *path, domid_t dom)
{
	struct change change = {.apply = kept, .create = true, .dom = dom};

	return apply(root, path, &change);
}

int tree_permit(struct node **root, const char *path, const struct perm *perms, u32 count)
{
	struct change change = {.apply = replaced, .perms = perms, .perm_count = count};

	return apply(root, path, &change);
}

/* Removing is a change of the node above: it loses a child. */
struct removal {
	struct change change;
	const char *name;
	size_t length;
};

static struct node *without(const struct change *change, struct node *old)
{
	const struct removal *removal = container_of(change, const struct removal, change);
	u32 at;

	if (!child_at(old, removal->name, removal->length, &at))
		return tree_hold(old);
	return with_child(old, at, NULL, false);
}

int tree_remove(struct node **root, const char *path)
{
	const char *last = strrchr(path, '/');
	struct removal removal = {.change = {.apply = without}};
	char above[XS_ABS_PATH + 1];
	size_t length = (size_t)(last - path);

	if (!tree_find(*root, path))
		return XS_ENOENT;
	if (length > XS_ABS_PATH)
		return XS_EINVAL;
	memcpy(above, path, length);
	above[length] = 0;
	removal.name = last + 1;
	removal.length = strlen(last + 1);
	return apply(root, above, &removal.change);
}
