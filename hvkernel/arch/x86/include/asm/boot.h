/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the boot loader told us, whichever protocol it spoke. */
#ifndef HV_ASM_BOOT_H
#define HV_ASM_BOOT_H

#include "types.h"

#define MAX_RANGES  128
#define MAX_MODULES 16
#define RANGE_RAM   1 /* the same number in multiboot, E820 and PVH */

struct range {
	u64 start, size;
	u32 type;
};

struct module {
	u64 start, end;
	char cmdline[512];
};

/* As multiboot has it: a framebuffer, or text. */
struct screen {
	u64 address;
	u32 pitch, width, height; /* bytes; pixels or characters */
	u8 bits, type, colors[6]; /* position and size of red, green, blue */
};
#define SCREEN_RGB  1
#define SCREEN_TEXT 2

struct boot {
	const char *loader;
	unsigned int range_count, module_count;
	struct range ranges[MAX_RANGES];
	struct module modules[MAX_MODULES];
	u64 rsdp; /* physical; 0: to be searched for */
	u8 rsdp_copy[36];
	bool has_screen;
	struct screen screen;
};

struct cpu;

extern struct boot boot;
extern u32 boot_magic, boot_info_at;
extern u8 boot_block[];
extern const char _image[], _text[], _etext[], _rodata_end[], _edata[], _end[];

void boot_read(void);

void serial_init(void);
void memory_init(void);
void memory_add_rest(void);
/* Maps devices for good, uncached. */
void *map_device(u64 address, size_t size);
/* Physical memory for a moment at boot: firmware's tables. */
void *map_boot(u64 address, size_t size);
void hv_map(ulong va, u64 address, size_t size, u64 flags);
void cpu_features(void);
void fpu_init(void);
void cpu_init(struct cpu *cpu);
struct cpu *cpu_prepare(unsigned int id, u8 *block);
void idt_init(void);
void acpi_read(void);
void apic_init(void);
void apic_init_cpu(void);
void ioapic_init(void);
void clock_calibrate(void);
void clock_init_cpu(void);
void smp_start(void);
void dom0_build(void);
void serial_poll_start(void);
_Noreturn void idle_loop(void);

/* acpi.c */
struct acpi_cpu {
	u8 apic_id;
	u32 acpi_id;
};
extern struct acpi_cpu acpi_cpus[];
extern unsigned int acpi_cpu_count;
struct ioapic {
	u64 address;
	u32 gsi_base;
	u32 pins;
	volatile u32 *registers;
};
extern struct ioapic ioapics[4];
extern unsigned int ioapic_count;
extern u64 lapic_address;
/* The GSI of an ISA interrupt, with its polarity and trigger mode (MADT overrides). */
struct isa_irq {
	u32 gsi;
	bool level, low;
};
extern struct isa_irq isa_irqs[16];

/* apic.c */
void apic_eoi(void);
void apic_send(u8 apic_id, u32 command);
void apic_timer(u32 count);
u32 apic_timer_left(void);
u8 apic_id(void);
extern u32 apic_ticks_per_ms;

/* msi.c: a device's one message is `vector`, to the first CPU. It may not send it yet. */
int msi_tell(u32 bus, u32 devfn, unsigned int vector);

/* irq.c */
void irq_arrived(unsigned int vector);
void gsi_set(u32 gsi, unsigned int vector, bool level, bool low, bool masked);
void gsi_mask(u32 gsi, bool masked);
u32 gsi_count(void);

#endif
