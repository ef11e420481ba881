/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests from their settings to their end: domain, xenstore nodes, back ends, console. */
#ifndef DOM0_GUEST_H
#define DOM0_GUEST_H

#include "blkback.h"
#include "config.h"
#include "fbback.h"
#include "netback.h"
#include "terminal.h"

struct built;
struct saved;

struct guest {
	struct guest *next;
	struct guest_config config;
	bool running; /* it has a domain, whose number is `dom` */
	bool started_once;
	bool saving;             /* it was asked to suspend */
	bool busy;               /* a disk is waited for */
	struct block *save_disk; /* where it goes then; NULL: it stays in memory */
	struct saved *saved;
	domid_t dom;
	struct terminal terminal;
	struct block *disks[MAX_DISKS];
	bool own_disk[MAX_DISKS]; /* made by us for this guest */
	struct blkback *blkbacks[MAX_DISKS];
	struct netback *netbacks[MAX_NICS];
	struct fbback *fbback;
	struct kbdback *kbdback;
};

/* Read the settings of the archive, and watch for domains that end. */
void guests_start(char *archive, size_t size);
/* Create those that start by themselves, each behind the one it names. */
void guests_autostart(void);

struct guest *guests_first(void);
struct guest *guest_find(const char *name);
/* NULL, or why not. */
const char *guest_create(struct guest *guest);
const char *guest_destroy(struct guest *guest);
/* Give a domain that was just made (or restored) its nodes, back ends and console, and let it run.
 */
const char *guest_connect(struct guest *guest, const struct built *built);
/* Keep it once it has suspended, on dom0's disk of this name or (NULL) in memory; bring it back. */
const char *guest_save(struct guest *guest, const char *disk);
const char *guest_restore(struct guest *guest, const char *disk);
/* In guest_devices.c. Its disks, which stay as they are over restarts: dom0's, or files of the
 * archive. NULL, or why not. */
const char *guest_open_disks(struct guest *guest, char *files, size_t size);
/* Back ends of all its devices. NULL, or why not; then some are there. */
const char *guest_add_back_ends(struct guest *guest);
void guest_remove_back_ends(struct guest *guest);
/* Ask it to end by itself: "poweroff" or "reboot" in control/shutdown. */
const char *guest_ask(struct guest *guest, const char *what);

#endif
