/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What guests see of the CPU when they ask through us: the real one without what PV has no use for
 * (Intel SDM vol. 2, CPUID), and Xen's own leaves (public/arch-x86/cpuid.h). */
#include "asm/cpu.h"
#include "asm/pv.h"
#include "cpus.h"
#include "lib.h"

#define XEN_LEAVES 0x40000000u

static void xen_leaf(u32 leaf, u32 out[4])
{
	memset(out, 0, 16);
	switch (leaf - XEN_LEAVES) {
	case 0:
		out[0] = XEN_LEAVES + 2;
		memcpy(&out[1], "XenVMMXenVMM", 12);
		break;
	case 1:
		out[0] = 4 << 16 | 17;
		break;
	}
}

void guest_cpuid(u32 leaf, u32 sub, u32 out[4])
{
	if (leaf >= XEN_LEAVES && leaf < XEN_LEAVES + 0x100) {
		xen_leaf(leaf, out);
		return;
	}
	cpuid(leaf, sub, out);
	switch (leaf) {
	case 1:
		/* No MONITOR, VMX, PCID, x2APIC, TSC deadline, XSAVE, AVX, F16C, PDCM, DS-CPL, EST;
		 * but there is a hypervisor. */
		out[2] &=
		    ~(BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(7) | BIT(8) | BIT(12) | BIT(15) |
		      BIT(17) | BIT(21) | BIT(24) | BIT(26) | BIT(27) | BIT(28) | BIT(29));
		out[2] |= 1u << 31;
		/* No VME, DE, PSE, MCE, SEP, MTRR, PGE, MCA, PSE36, DS, ACPI. */
		out[3] &= ~(BIT(1) | BIT(2) | BIT(3) | BIT(7) | BIT(11) | BIT(12) | BIT(13) |
			    BIT(14) | BIT(17) | BIT(21) | BIT(22));
		out[1] = (out[1] & 0x00ffffff) | current->id << 25;
		break;
	case 5:   /* MONITOR */
	case 6:   /* power management */
	case 0xa: /* performance counters */
	case 0xd: /* XSAVE */
		memset(out, 0, 16);
		break;
	case 7:
		if (sub)
			memset(out, 0, 16);
		/* BMI1, BMI2, ERMS, ADX, RDSEED stay: they are plain instructions without state. */
		out[1] &= BIT(3) | BIT(8) | BIT(9) | BIT(18) | BIT(19);
		out[2] = out[3] = 0;
		break;
	case 0x80000001:
		/* No SVM, IBS, XOP, SKINIT, WDT, LWP, FMA4, topology, MWAITX; no gigabyte pages,
		 * PSE. */
		out[2] &= BIT(0) | BIT(5) | BIT(6) | BIT(7) | BIT(8);
		out[3] &= ~(BIT(1) | BIT(2) | BIT(3) | BIT(7) | BIT(11) | BIT(12) | BIT(13) |
			    BIT(14) | BIT(17) | BIT(26) | BIT(27));
		if (sizeof(long) == 8)
			out[3] |= BIT(11); /* SYSCALL */
		break;
	}
}
