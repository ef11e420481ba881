/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks of IA-32's ring 1: the CPU's ways to ring 0, and addresses above its own. */
#ifdef __i386__
#include "limits.h"
#include "asm/layout.h"
#include "errno.h"

extern char event_callback[];

FAULTS(sysenter)
{
	__asm__ volatile("sysenter" : : : "memory");
	return 0;
}

FAULTS(sysexit)
{
	__asm__ volatile("sysexit" : : "c"(0), "d"(0) : "memory");
	return 0;
}

/* Only ring 0 may turn to virtual 8086 mode; TCG lets everybody. */
LIMITS(virtual_8086_by_iret)
{
	ulong flags = 0;

	__asm__ volatile("pushl $0x20202; pushl %1; pushl $1f; iretl; 1: pushf; popl %0"
			 : "=r"(flags)
			 : "i"(KERNEL_CS)
			 : "memory", "cc");
	return flags & 0x20000 ? -1 : 0;
}

FAULTS(task_switch_by_jump)
{
	static const struct {
		u32 offset;
		u16 selector;
	} __attribute__((packed)) double_fault_task = {0, 0xe058};

	__asm__ volatile("ljmp *%0" : : "m"(double_fault_task) : "memory");
	return 0;
}

/* What the hypervisor writes for us, written above us. */
REFUSED(version_into_m2p, EFAULT)
{
	return CALL2(xen_version, XENVER_extraversion, MACHPHYS);
}

REFUSED(version_over_the_end, EFAULT)
{
	return CALL2(xen_version, XENVER_extraversion, HV_BEGIN - 4);
}

REFUSED(version_over_4gib, EFAULT)
{
	return CALL2(xen_version, XENVER_extraversion, 0xfffffff8);
}

/* Where to go when there is no way back: no way either, until the stack is used up. */
KILLS(failsafe_in_ring0)
{
	u8 *below = page_alloc();
	ulong *frame = (ulong *)page_alloc() + 1000;

	map((ulong)below, 0);
	CALL4(set_callbacks, KERNEL_CS, event_callback, 0xe008, VIRT_BASE);
	frame[1] = VIRT_BASE;
	frame[2] = 0xe009;
	frame[3] = 0x202;
	__asm__ volatile("mov %0, %%esp; mov $23, %%eax; int $0x82" : : "r"(frame) : "memory");
	return 0;
}

KILLS(push_above)
{
	__asm__ volatile("mov %0, %%esp; push %%eax" : : "r"(MACHPHYS_HV + 0x1000) : "memory");
	return 0;
}
#endif
