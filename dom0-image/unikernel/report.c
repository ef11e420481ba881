/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report.h"

#include "base.h"
#include "bridge.h"
#include "control.h"
#include "devices.h"
#include "event.h"
#include "guest.h"
#include "hardware/irq.h"
#include "memory.h"
#include "xs.h"

#include <stdio.h>
#include <string.h>

static const char *state_of(const struct domain_info *info)
{
	if (info->flags & DOMAIN_DYING)
		return "dying";
	if (info->flags & DOMAIN_SHUTDOWN)
		return "ended";
	if (info->flags & DOMAIN_PAUSED)
		return "paused";
	return info->flags & DOMAIN_BLOCKED ? "idle" : "running";
}

static void list_one(const char *name, domid_t dom)
{
	struct domain_info info;
	u16 weight, cap;

	if (domain_info(dom, &info) || info.domain != dom)
		return;
	domain_get_weight(dom, &weight, &cap);
	printf("%-16s %4u %8llu %5u %-8s %6llu.%01llu %6u %4u\n", name, dom,
	       (unsigned long long)info.tot_pages * 4, info.nr_online_vcpus, state_of(&info),
	       (unsigned long long)(info.cpu_time / SECOND),
	       (unsigned long long)(info.cpu_time / (SECOND / 10) % 10), weight, cap);
}

const char *report_domains(char **words, u32 count)
{
	(void)words, (void)count;
	printf("%-16s %4s %8s %5s %-8s %8s %6s %4s\n", "name", "id", "KiB", "vcpus", "state",
	       "time(s)", "weight", "cap");
	list_one("dom0", 0);
	for (struct guest *guest = guests_first(); guest; guest = guest->next) {
		if (guest->running)
			list_one(guest->config.name, guest->dom);
		else
			printf("%-16s %4s %8llu %5u %s\n", guest->config.name, "-",
			       (unsigned long long)guest->config.memory, guest->config.vcpus,
			       "off");
	}
	return NULL;
}

static void tree(const char *path, u32 depth)
{
	char names[2048], value[128], below[256];
	int length = xs_list(XS_NO_TX, path, names, sizeof(names));

	if (length < 0 || depth > 8)
		return;
	for (char *name = names; name < names + length; name += strlen(name) + 1) {
		snprintf(below, sizeof(below), "%s/%s", *path && path[1] ? path : "", name);
		if (xs_read(XS_NO_TX, below, value, sizeof(value)) < 0)
			*value = 0;
		printf("%*s%s = %s\n", (int)(2 * depth), "", name, value);
		tree(below, depth + 1);
	}
}

const char *report_store(char **words, u32 count)
{
	tree(count ? words[0] : "/", 0);
	return NULL;
}

const char *report_machine(char **words, u32 count)
{
	struct block *disk;
	struct nic *nic;
	bool message;
	u64 came;

	(void)words, (void)count;
	printf("memory: %lu KiB, %lu KiB free\n", start_info->nr_pages * 4, pages_left() * 4);
	for (u32 i = 0; (disk = device_disk_number(i)); i++)
		printf("disk %s: %llu sectors%s\n", disk->name, (unsigned long long)disk->sectors,
		       disk->readonly ? ", read-only" : "");
	for (u32 i = 0; irq_count(&i, &message, &came); i++)
		printf("interrupt %u%s: %llu\n", i, message ? " (MSI)" : "",
		       (unsigned long long)came);
	for (u32 i = 0; (nic = bridge_port(i)); i++)
		printf("bridge port %s: %llu in, %llu out, %llu dropped\n", nic->name,
		       (unsigned long long)nic->received, (unsigned long long)nic->sent,
		       (unsigned long long)nic->dropped);
	for (struct guest *guest = guests_first(); guest; guest = guest->next)
		for (u32 i = 0; i < MAX_DISKS; i++) {
			u64 requests, sectors;

			if (!guest->blkbacks[i])
				continue;
			blkback_counts(guest->blkbacks[i], &requests, &sectors);
			printf("disk %s of %s: %llu requests, %llu sectors\n",
			       guest->config.disks[i].device, guest->config.name,
			       (unsigned long long)requests, (unsigned long long)sectors);
		}
	return NULL;
}
