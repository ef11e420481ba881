/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercall 17, xen_version: the ABI is that of Xen 4.17. */
#include "cmdline.h"
#include "cpus.h"
#include "errno.h"
#include "guest.h"
#include "hypercall.h"
#include "lib.h"

#define ABI_VERSION (4 << 16 | 17)

static long give_text(ulong to, size_t size, const char *text)
{
	char buffer[1024];

	memset(buffer, 0, size);
	strcopy(buffer, text, size);
	return copy_to_guest(to, buffer, size) ? 0 : -EFAULT;
}

static long give_features(ulong at)
{
	struct feature_info info;

	if (!copy_from_guest(&info, at, sizeof(info)))
		return -EFAULT;
	if (info.submap_idx)
		return -EINVAL;
	info.submap = (u32)arch_features();
	if (current->domain == dom0)
		info.submap |= BIT(XENFEAT_dom0);
	return copy_to_guest(at, &info, sizeof(info)) ? 0 : -EFAULT;
}

static long give_virt_start(ulong at)
{
	ulong start = arch_virt_start();

	return copy_to_guest(at, &start, sizeof(start)) ? 0 : -EFAULT;
}

long xen_version(u32 cmd, ulong arg)
{
	switch (cmd) {
	case XENVER_version:
		return ABI_VERSION;
	case XENVER_extraversion:
		return give_text(arg, 16, ".0-hvkernel");
	case XENVER_compile_info:
		return give_text(arg, 144, "clang");
	case XENVER_capabilities:
		return give_text(arg, 1024, capabilities);
	case XENVER_changeset:
		return give_text(arg, 64, "hvkernel");
	case XENVER_platform_parameters:
		return give_virt_start(arg);
	case XENVER_get_features:
		return give_features(arg);
	case XENVER_pagesize:
		return PAGE_SIZE;
	case XENVER_guest_handle:
		return copy_to_guest(arg, current->domain->handle, 16) ? 0 : -EFAULT;
	case XENVER_commandline:
		return current->domain->privileged ? give_text(arg, 1024, cmdline) : -EPERM;
	default:
		return -ENOSYS;
	}
}
