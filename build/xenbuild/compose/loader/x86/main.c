/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loader of an x86 bundle: check everything, then put the hypervisor in its place and enter it.
 */
#include "bundle.h"
#include "console.h"
#include "crc32.h"
#include "handover.h"
#include "machine.h"
#include "text.h"

extern char image_start[];

void loader_main(uint32_t magic, uint32_t info);
_Noreturn void enter(uint32_t entry, uint32_t info);

volatile const struct anchor anchor __attribute__((section(".anchor"), used)) = {
    .magic = ANCHOR_MAGIC,
};

static struct machine machine;

static void print_range(uint64_t start, uint64_t end)
{
	print_hex(start);
	print("-");
	print_hex(end);
}

/* Refuses memory that the machine does not have, or that its firmware keeps for itself. */
static bool need_ram(const char *what, const char *part, uint64_t start, uint64_t end)
{
	uint64_t ram_end = machine_ram_end(&machine);

	if (machine_has_ram(&machine, start, end))
		return true;
	complain();
	print(what);
	if (part) {
		print(" '");
		print(part);
		print("'");
	}
	print(" needs ");
	print_range(start, end);
	if (end > ram_end) {
		print(" but the machine's memory ends at ");
		print_hex(ram_end);
	} else {
		print(" but not all of it is usable memory");
	}
	return false;
}

static bool clashes(uint32_t a, uint32_t a_end, uint32_t b, uint32_t b_end)
{
	return a < b_end && b < a_end;
}

static bool check_memory(const struct table *table)
{
	const struct part *part = at(table->parts);
	const struct copy *copy = at(table->copies);
	bool ok = true;

	for (uint32_t i = 0; i < table->part_count; i++)
		ok &=
		    need_ram("part", at(part[i].name), part[i].start, part[i].start + part[i].size);
	for (uint32_t i = 0; i < table->copy_count; i++)
		ok &=
		    need_ram("the hypervisor", NULL, copy[i].to, copy[i].to + copy[i].memory_size);
	return ok;
}

/* The composer saw to it that bundle and hypervisor do not meet; modules of the boot loader it
 * cannot know. */
static bool check_places(const struct table *table)
{
	const struct copy *copy = at(table->copies);
	bool ok = true;

	for (uint32_t i = 0; i < table->copy_count; i++) {
		uint32_t to = copy[i].to, to_end = to + copy[i].memory_size;

		for (uint32_t k = 0; k < machine.module_count; k++) {
			const struct module *module = &machine.modules[k];

			if (!clashes(to, to_end, module->start, module->end))
				continue;
			complain();
			print("the boot loader put a module at ");
			print_range(module->start, module->end);
			print(", where the hypervisor goes (");
			print_range(to, to_end);
			print(")");
			ok = false;
		}
		if (clashes(to, to_end, (uint32_t)image_start, anchor.image_end)) {
			complain();
			print(
			    "the hypervisor's place overlaps the bundle: it was composed wrongly");
			ok = false;
		}
	}
	return ok;
}

static bool check_parts(const struct table *table)
{
	const struct part *part = at(table->parts);
	bool ok = true;

	for (uint32_t i = 0; i < table->part_count; i++) {
		uint32_t crc = crc32(at(part[i].start), part[i].size);

		if (crc == part[i].crc)
			continue;
		complain();
		print("part '");
		print(at(part[i].name));
		print("' is damaged: its CRC-32 is ");
		print_hex(crc);
		print(", not ");
		print_hex(part[i].crc);
		print("; load the bundle again");
		ok = false;
	}
	return ok;
}

static bool check_table(void)
{
	if (!anchor.table) {
		complain();
		print("this is a loader without a bundle");
		return false;
	}
	if (!need_ram("the bundle", NULL, (uint32_t)image_start, anchor.table + anchor.table_size))
		return false;
	if (crc32(at(anchor.table), anchor.table_size) == anchor.table_crc)
		return true;
	complain();
	print("the bundle's table is damaged; load the bundle again");
	return false;
}

void loader_main(uint32_t magic, uint32_t info)
{
	const struct table *table = at(anchor.table);
	const struct copy *copy;
	uint32_t handover;

	if (!machine_read(&machine, magic, info)) {
		complain();
		print("the boot loader spoke neither multiboot nor PVH");
		stop();
	}
	if (machine.firmware_is_uefi) {
		complain();
		print("the machine was started by UEFI, where this file cannot run; use the efi "
		      "medium");
		stop();
	}
	if (!machine.range_count) {
		complain();
		print("the boot loader gave no memory map");
		stop();
	}
	if (!check_table() || !check_memory(table) || !check_places(table) || !check_parts(table))
		stop();
	handover = handover_write(&machine, table);
	if (!handover) {
		complain();
		print("the command lines and modules are too long");
		stop();
	}
	copy = at(table->copies);
	for (uint32_t i = 0; i < table->copy_count; i++) {
		memcpy(at(copy[i].to), at(copy[i].from), copy[i].file_size);
		memset(at(copy[i].to + copy[i].file_size), 0,
		       copy[i].memory_size - copy[i].file_size);
	}
	enter(table->entry, handover);
}
