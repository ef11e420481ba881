/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other CPUs: INIT and two STARTUPs (Intel SDM vol. 3, 9.4.4), one after the other. */
#include "asm/boot.h"
#include "asm/cpu.h"
#include "asm/machphys.h"
#include "asm/tables.h"
#include "console.h"
#include "cpus.h"
#include "frame.h"
#include "lib.h"
#include "sched.h"

#define TRAMPOLINE 0x8000

extern const u8 trampoline[], trampoline_end[];
extern ulong ap_stack;

static volatile bool ap_is_up;

_Noreturn void ap_main(void);

_Noreturn void ap_main(void)
{
	struct cpu *cpu = this_cpu();

	write_cr3(root_address(hv_root));
	cpu_features();
	tlb_reload();
	cpu_init(cpu);
	apic_init_cpu();
	ap_is_up = true;
	lock(&hv_lock);
	sched_init_cpu();
	cpu->online = true;
	online_cpus |= BIT(cpu->id);
	unlock(&hv_lock);
	idle_loop();
}

static void wait(u64 ns)
{
	u64 end = now() + ns;

	while (now() < end)
		cpu_relax();
}

static void start(const struct acpi_cpu *a)
{
	u8 *block = hv_alloc(CPU_ORDER);
	struct cpu *cpu = block ? cpu_prepare(cpu_count, block) : NULL;

	if (!cpu) {
		if (block)
			hv_free(block, CPU_ORDER);
		printk("no memory for cpu %u (APIC %u): it stays off\n", cpu_count, a->apic_id);
		return;
	}
	cpu->arch.apic_id = a->apic_id;
	cpu->arch.acpi_id = a->acpi_id;
	cpu_count++;
	ap_stack = cpu->arch.syscall_stack - REGS_ES - 16;
	ap_is_up = false;
	apic_send(a->apic_id, 0x4500); /* INIT */
	wait(10 * MS);
	for (unsigned int i = 0; i < 2 && !ap_is_up; i++) {
		apic_send(a->apic_id, 0x4600 | TRAMPOLINE >> 12);
		wait(MS / 5);
	}
	for (u64 end = now() + 200 * MS; !ap_is_up && now() < end;)
		cpu_relax();
	if (ap_is_up)
		return;
	printk("cpu %u (APIC %u) does not answer\n", cpu->id, a->apic_id);
	cpu_count--;
}

void smp_start(void)
{
	memcpy((void *)(DIRECT_BASE + TRAMPOLINE), trampoline,
	       (size_t)(trampoline_end - trampoline));
	for (unsigned int i = 0; i < acpi_cpu_count; i++)
		if (acpi_cpus[i].apic_id != cpus[0]->arch.apic_id && cpu_count < MAX_CPUS)
			start(&acpi_cpus[i]);
		else
			cpus[0]->arch.acpi_id = acpi_cpus[i].acpi_id;
}
