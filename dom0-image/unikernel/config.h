/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which guests there are: a text file of lines "KEY VALUE", in which "guest NAME" begins each one.
 * xenbuild writes it (build/xenbuild/parts/hvdomains.py).
 */
#ifndef DOM0_CONFIG_H
#define DOM0_CONFIG_H

#include "types.h"

#define GUEST_NAME_MAX 32u
#define MAX_DISKS      4u
#define MAX_NICS       4u
#define CMDLINE_MAX    1024u
#define FILE_NAME_MAX  96u

enum restart { RESTART_NEVER, RESTART_ON_CRASH, RESTART_ALWAYS };

struct disk_config {
	char device[8]; /* xvda */
	bool readonly;
	char file[FILE_NAME_MAX];     /* in the archive; "" for one of zeros */
	u64 size;                     /* of that */
	char hardware[FILE_NAME_MAX]; /* or dom0's own disk of this name */
};

struct nic_config {
	u8 mac[6];
};

struct guest_config {
	char name[GUEST_NAME_MAX];
	u64 memory; /* KiB */
	u32 vcpus, weight, cap;
	u64 cpus; /* bit n: may run on CPU n; 0: on all */
	char kernel[FILE_NAME_MAX], initramfs[FILE_NAME_MAX];
	char cmdline[CMDLINE_MAX];
	struct disk_config disks[MAX_DISKS];
	u32 disk_count;
	struct nic_config nics[MAX_NICS];
	u32 nic_count;
	bool screen; /* with a keyboard */
	bool autostart;
	enum restart restart;
	char after[GUEST_NAME_MAX]; /* a guest that has to run first; "" for none */
};

/*
 * The next guest of the text from `*at` on. False at its end, or with a message in `*error` (and
 * the number of the line in *line, which counts on).
 */
bool config_next(const char *text, size_t size, size_t *at, u32 *line, struct guest_config *guest,
		 const char **error);

/* The number of a disk's device in xenstore (docs/man/xen-vbd-interface.7); 0 if there is none. */
u32 disk_number(const char *device);

#endif
