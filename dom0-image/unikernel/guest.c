/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest.h"

#include "archive.h"
#include "bridge.h"
#include "build.h"
#include "control.h"
#include "devices.h"
#include "event.h"
#include "image.h"
#include "memdisk.h"
#include "nodes.h"
#include "saved.h"
#include "savefile.h"
#include "screen.h"
#include "shell.h"
#include "xenstore/connection.h"
#include "xs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS "guests.conf"

static const char busy[] = "it is being saved or restored";

static char *files;
static size_t files_size;
static struct guest *guests, **guests_end = &guests;

struct guest *guests_first(void)
{
	return guests;
}

struct guest *guest_find(const char *name)
{
	struct guest *guest = guests;

	while (guest && strcmp(guest->config.name, name))
		guest = guest->next;
	return guest;
}

/* Everything of a domain but its settings and its disks' content goes. */
static void take_down(struct guest *guest)
{
	terminal_close(&guest->terminal);
	guest_remove_back_ends(guest);
	connection_close(guest->dom);
	nodes_remove(guest->dom);
	domain_destroy(guest->dom);
	guest->running = false;
}

const char *guest_connect(struct guest *guest, const struct built *built)
{
	const char *error = NULL;

	guest->dom = built->dom;
	guest->running = guest->started_once = true;
	domain_set_weight(built->dom, (u16)guest->config.weight, (u16)guest->config.cap);
	for (u32 i = 0; guest->config.cpus && i < guest->config.vcpus; i++)
		if (domain_set_cpus(built->dom, i, guest->config.cpus))
			error = "the machine has none of the CPUs that it may run on";
	if (!error && !nodes_write(&guest->config, built))
		error = "its xenstore nodes cannot be written";
	if (!error && !terminal_open(&guest->terminal, guest->config.name, built->dom,
				     built->console_frame, built->console_port))
		error = "its console cannot be served";
	if (!error && connection_open(built->dom, built->store_frame, built->store_port))
		error = "its xenstore page cannot be served";
	if (!error)
		error = guest_add_back_ends(guest);
	if (!error && domain_unpause(built->dom))
		error = "it cannot be started";
	if (error)
		take_down(guest);
	return error;
}

const char *guest_create(struct guest *guest)
{
	struct file kernel, module = {NULL, NULL, 0};
	struct image image;
	struct built built;
	const char *error;

	if (guest->running || guest->busy)
		return guest->busy ? busy : "it runs already";
	if (!archive_find(files, files_size, guest->config.kernel, &kernel))
		return "its kernel is missing";
	if (*guest->config.initramfs &&
	    !archive_find(files, files_size, guest->config.initramfs, &module))
		return "its initramfs is missing";
	error = guest_open_disks(guest, files, files_size);
	if (!error)
		error = image_parse(&image, (const u8 *)kernel.data, kernel.size);
	if (!error)
		error = build_domain(&guest->config, &image, module.data, module.size, &built);
	return error ? error : guest_connect(guest, &built);
}

const char *guest_destroy(struct guest *guest)
{
	if (!guest->running)
		return "it does not run";
	domain_pause(guest->dom);
	take_down(guest);
	return NULL;
}

const char *guest_ask(struct guest *guest, const char *what)
{
	char path[64];

	if (!guest->running)
		return "it does not run";
	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", guest->dom);
	return xs_write(XS_NO_TX, path, what) ? "xenstore refused it" : NULL;
}

/* A disk of dom0's that no guest has, for what is saved. */
static struct block *save_disk(const char *name, const char **error)
{
	struct block *disk = device_disk(name);

	*error = disk ? NULL : "dom0 has no such disk";
	for (struct guest *guest = guests; guest; guest = guest->next)
		for (u32 i = 0; i < guest->config.disk_count; i++)
			if (!strcmp(guest->config.disks[i].hardware, name))
				*error = "a guest has this disk";
	return *error ? NULL : disk;
}

const char *guest_save(struct guest *guest, const char *disk)
{
	const char *error = NULL;

	guest->save_disk = disk ? save_disk(disk, &error) : NULL;
	if (!error)
		error = guest_ask(guest, "suspend");
	guest->saving = !error;
	return error;
}

/* Reading takes time, in which nobody else may begin something with the guest. */
static const char *read_saved(struct guest *guest, const char *name)
{
	const char *error;
	struct block *disk = save_disk(name, &error);

	if (!disk)
		return error;
	saved_free(guest->saved);
	guest->busy = true;
	guest->saved = savefile_read(disk, guest->config.name, &error);
	guest->busy = false;
	return error;
}

const char *guest_restore(struct guest *guest, const char *disk)
{
	struct built built;
	const char *error;

	if (guest->running || guest->busy)
		return guest->busy ? busy : "it runs already";
	error = guest_open_disks(guest, files, files_size);
	if (!error && disk)
		error = read_saved(guest, disk);
	if (error)
		return error;
	if (!guest->saved)
		return "it was not saved";
	error = saved_build(guest->saved, &guest->config, &built);
	if (error)
		return error;
	saved_free(guest->saved);
	guest->saved = NULL;
	return guest_connect(guest, &built);
}

/* It has suspended. If it cannot be taken it goes on where it is. */
static void suspended(struct guest *guest)
{
	const char *error;

	guest->saving = false;
	guest->saved = saved_take(guest->dom, guest->config.vcpus, &error);
	if (!guest->saved) {
		notice("dom0: guest %s was not saved%s: %s\n", guest->config.name,
		       saved_cancel(guest->dom) ? " and is lost" : " and goes on", error);
		return;
	}
	take_down(guest);
	if (guest->save_disk) {
		guest->busy = true;
		error = savefile_write(guest->save_disk, guest->config.name, guest->saved);
		guest->busy = false;
		if (!error) {
			saved_free(guest->saved);
			guest->saved = NULL;
		}
	}
	if (error)
		notice("dom0: guest %s was not saved but in memory: %s\n", guest->config.name,
		       error);
	else
		notice("dom0: guest %s is saved\n", guest->config.name);
}

static void say_create(struct guest *guest)
{
	const char *error = guest_create(guest);

	if (error)
		notice("dom0: guest %s was not created: %s\n", guest->config.name, error);
	else
		notice("dom0: guest %s is domain %u\n", guest->config.name, guest->dom);
}

static void ended(struct guest *guest, enum shutdown_reason reason)
{
	static const char *const names[] = {"powered off", "rebooted", "was suspended", "crashed"};
	bool crashed = reason >= SHUTDOWN_CRASH;
	bool again = reason == SHUTDOWN_REBOOT || guest->config.restart == RESTART_ALWAYS ||
		     (guest->config.restart == RESTART_ON_CRASH && crashed);

	notice("dom0: guest %s %s\n", guest->config.name, names[crashed ? SHUTDOWN_CRASH : reason]);
	take_down(guest);
	if (again)
		say_create(guest);
}

/* Xen says only that some domain has ended (VIRQ_DOM_EXC). */
static void look(void *data)
{
	(void)data;
	for (struct guest *guest = guests; guest; guest = guest->next) {
		struct domain_info info;

		if (!guest->running)
			continue;
		if (domain_info(guest->dom, &info) || info.domain != guest->dom)
			continue;
		if (!(info.flags & DOMAIN_SHUTDOWN))
			continue;
		if (domain_reason(&info) == SHUTDOWN_SUSPEND && guest->saving)
			suspended(guest);
		else
			ended(guest, domain_reason(&info));
	}
}

void guests_start(char *archive, size_t size)
{
	int port = event_virq(VIRQ_DOM_EXC);
	const char *error = NULL;
	struct file settings;
	size_t at = 0;
	u32 line = 0;

	files = archive;
	files_size = size;
	if (port >= 0)
		event_handle((port_t)port, look, NULL);
	if (!archive_find(archive, size, SETTINGS, &settings))
		return;
	for (;;) {
		struct guest *guest = calloc(1, sizeof(*guest));

		if (!guest || !config_next(settings.data, settings.size, &at, &line, &guest->config,
					   &error)) {
			free(guest);
			break;
		}
		*guests_end = guest;
		guests_end = &guest->next;
	}
	if (error)
		notice("dom0: %s:%u: %s\n", SETTINGS, line, error);
}

void guests_autostart(void)
{
	bool more = true;

	while (more) {
		more = false;
		for (struct guest *guest = guests; guest; guest = guest->next) {
			struct guest *first = guest_find(guest->config.after);

			if (!guest->config.autostart || guest->started_once ||
			    (first && first->config.autostart && !first->started_once))
				continue;
			guest->started_once = more = true; /* tried, whatever comes of it */
			say_create(guest);
		}
	}
}
