/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nodes.h"

#include "build.h"
#include "xs.h"

#include <stdio.h>

/* One node below `folder`. The store is our own memory: what fails is memory, and that shows at the
 * next one. */
static bool put(const char *folder, const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return !xs_write(XS_NO_TX, path, value);
}

static bool put_number(const char *folder, const char *name, u64 value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return put(folder, name, text);
}

/* A folder that `owner` owns and `reader` may read. */
static bool folder(const char *path, domid_t owner, domid_t reader)
{
	char own[8], other[8];

	snprintf(own, sizeof(own), "n%u", owner);
	snprintf(other, sizeof(other), "r%u", reader);
	return !xs_mkdir(XS_NO_TX, path) &&
	       !xs_permit(XS_NO_TX, path, own, owner == reader ? NULL : other);
}

/* Both ends of a device; the front end's nodes are its own, so new ones inherit that. */
static bool device(domid_t dom, const char *kind, u32 id, char *front, char *back, size_t size)
{
	snprintf(front, size, "/local/domain/%u/device/%s/%u", dom, kind, id);
	snprintf(back, size, "/local/domain/0/backend/%s/%u/%u", kind, dom, id);
	return folder(front, dom, 0) && folder(back, 0, dom) && put(front, "backend", back) &&
	       put_number(front, "backend-id", 0) && put(front, "state", "1") &&
	       put(back, "frontend", front) && put_number(back, "frontend-id", dom) &&
	       put(back, "online", "1") && put(back, "state", "1");
}

static bool disks(const struct guest_config *config, domid_t dom)
{
	char front[64], back[64];

	for (u32 i = 0; i < config->disk_count; i++) {
		const struct disk_config *disk = &config->disks[i];
		u32 number = disk_number(disk->device);

		if (!device(dom, "vbd", number, front, back, sizeof(front)) ||
		    !put_number(front, "virtual-device", number) ||
		    !put(front, "device-type", "disk") || !put(back, "dev", disk->device) ||
		    !put(back, "mode", disk->readonly ? "r" : "w"))
			return false;
	}
	return true;
}

static bool nics(const struct guest_config *config, domid_t dom)
{
	char front[64], back[64], mac[20];

	for (u32 i = 0; i < config->nic_count; i++) {
		const u8 *m = config->nics[i].mac;

		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
			 m[4], m[5]);
		if (!device(dom, "vif", i, front, back, sizeof(front)) ||
		    !put_number(front, "handle", i) || !put(front, "mac", mac) ||
		    !put_number(back, "handle", i) || !put(back, "mac", mac))
			return false;
	}
	return true;
}

/* The front end says of which size its screen is. */
static bool screen(const struct guest_config *config, domid_t dom)
{
	char front[64], back[64];

	return !config->screen || (device(dom, "vfb", 0, front, back, sizeof(front)) &&
				   device(dom, "vkbd", 0, front, back, sizeof(front)));
}

bool nodes_write(const struct guest_config *config, const struct built *built)
{
	static const char *const own[] = {"data", "device", "error", "control", "attr", "feature"};
	char home[40], path[64];
	bool ok;

	snprintf(home, sizeof(home), "/local/domain/%u", built->dom);
	ok = folder(home, 0, built->dom) && put(home, "name", config->name) &&
	     put_number(home, "domid", built->dom) &&
	     put_number(home, "memory/target", config->memory) &&
	     put_number(home, "memory/static-max", config->memory) &&
	     put_number(home, "store/port", built->store_port) &&
	     put_number(home, "store/ring-ref", built->store_frame) &&
	     put_number(home, "console/port", built->console_port) &&
	     put_number(home, "console/ring-ref", built->console_frame) &&
	     put(home, "console/type", "xenconsoled") && put_number(home, "console/backend-id", 0);
	for (u32 i = 0; ok && i < LENGTH(own); i++) {
		snprintf(path, sizeof(path), "%s/%s", home, own[i]);
		ok = folder(path, built->dom, 0);
	}
	for (u32 i = 0; ok && i < config->vcpus; i++) {
		snprintf(path, sizeof(path), "cpu/%u/availability", i);
		ok = put(home, path, "online");
	}
	snprintf(path, sizeof(path), "%s/control/shutdown", home);
	ok = ok && !xs_write(XS_NO_TX, path, "") && folder(path, built->dom, 0);
	return ok && disks(config, built->dom) && nics(config, built->dom) &&
	       screen(config, built->dom);
}

void nodes_remove(domid_t dom)
{
	static const char *const kinds[] = {"vbd", "vif", "vfb", "vkbd"};
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u", dom);
	xs_remove(XS_NO_TX, path);
	for (u32 i = 0; i < LENGTH(kinds); i++) {
		snprintf(path, sizeof(path), "/local/domain/0/backend/%s/%u", kinds[i], dom);
		xs_remove(XS_NO_TX, path);
	}
}
