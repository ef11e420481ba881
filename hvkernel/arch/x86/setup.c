/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the first line of C to the first guest. */
#include "asm/boot.h"
#include "asm/cpu.h"
#include "asm/pv.h"
#include "cmdline.h"
#include "console.h"
#include "cpus.h"
#include "frame.h"
#include "lib.h"
#include "sched.h"

#ifdef __i386__
char capabilities[] = "xen-3.0-x86_32p ";
#define WIDTH "ia32"
#else
char capabilities[] = "xen-3.0-x86_64 ";
#define WIDTH "x86-64"
#endif

static u16 exit_port;

_Noreturn void hv_start(void);

static void read_exit_port(void)
{
	char text[16];

	if (cmdline_value("isa-debug-exit", text, sizeof(text)))
		exit_port = (u16)parse_number(text, NULL);
}

/* For tests: with a number, that allocation from the very first on fails (keys.c: without). */
static void read_fault(void)
{
	char text[16];

	if (cmdline_value("fault-injection", text, sizeof(text)))
		allocation_fail_at((u32)parse_number(text, NULL));
}

_Noreturn void hv_start(void)
{
	struct cpu *cpu;

	serial_init();
	boot_read();
	printk("hvkernel " WIDTH ", ABI of Xen 4.17; booted by %s\n",
	       boot.loader ? boot.loader : "something unknown");
	if (!boot.loader)
		panic("magic number %x is none of multiboot 1, multiboot 2 and PVH", boot_magic);
	printk("command line: %s\n", cmdline);
	cmdline_split();
	read_exit_port();
	read_fault();
	cpu_features();
	memory_init();
	cpu = cpu_prepare(0, boot_block);
	if (!cpu)
		panic("no memory for the first CPU");
	cpu_count = 1;
	idt_init();
	cpu_init(cpu);
	acpi_read();
	apic_init();
	ioapic_init();
	clock_calibrate();
	sched_init_cpu();
	cpu->online = true;
	online_cpus = 1;
	smp_start();
	printk("%u CPUs run\n", cpu_count);
	lock(&hv_lock);
	serial_poll_start();
	dom0_build();
	unlock(&hv_lock);
	idle_loop();
}

_Noreturn void idle_loop(void)
{
	for (;;) {
		lock(&hv_lock);
		do_softirqs(); /* goes to a guest if there is one */
		tlb_sleep();
		unlock(&hv_lock);
		if (!this_cpu()->softirqs)
			__asm__ volatile("sti; hlt; cli" : : : "memory");
	}
}

/* For tests: QEMU's isa-debug-exit ends it with the status code * 2 + 1. */
_Noreturn void machine_stop(bool reboot, int code)
{
	if (exit_port)
		outb(exit_port, (u8)code);
	if (reboot) {
		printk("restarting\n");
		outb(0xcf9, 6);
		outb(0x64, 0xfe);
	}
	printk("halted\n");
	for (;;)
		__asm__ volatile("cli; hlt");
}
