/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this CPU can do (Intel SDM vol. 2, CPUID). */
#include "asm/boot.h"
#include "asm/cpu.h"
#include "asm/pte.h"
#include "asm/tss.h"
#include "lib.h"

bool cpu_has_global_pages, cpu_has_fxsr, cpu_has_sse;
unsigned int cpu_address_bits = 36; /* all have these that do not say */

void cpu_features(void)
{
	u32 id[4], extended[4];
	ulong cr4 = read_cr4();

	cpuid(1, 0, id);
	if (!(id[3] & 1 << 6) || !(id[3] & 1 << 9))
		panic("this CPU has no PAE or no local APIC");
	cpu_has_global_pages = id[3] & 1 << 13;
	cpu_has_fxsr = id[3] & 1 << 24;
	cpu_has_sse = id[3] & 1 << 25;
	if (cpu_has_global_pages)
		cr4 |= 0x80;
	if (cpu_has_fxsr)
		cr4 |= 0x200;
	if (cpu_has_sse)
		cr4 |= 0x400;
	write_cr4(cr4);
	fpu_init();
	cpuid(0x80000000, 0, id);
	if (id[0] >= 0x80000008 && id[0] >> 16 == 0x8000) {
		cpuid(0x80000008, 0, extended);
		cpu_address_bits = extended[0] & 255;
	}
	if (sizeof(long) == 4)
		return; /* PAE guests of the Pentium II have no NX: one kind of entry for all */
	if (id[0] < 0x80000001)
		return;
	cpuid(0x80000001, 0, extended);
	if (extended[3] & 1 << 20 && !pte_nx) {
		pte_nx = PTE_NX;
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 0x800);
	}
}
