/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loader of an x86 bundle: check everything, then put the hypervisor in its place and enter it.
 */
#include "bundle.h"
#include "console.h"
#include "crc32.h"
#include "handover.h"
#include "machine.h"
#include "text.h"
#include "uefi.h"

extern char image_start[];

void loader_main(u32 magic, u32 info);
_Noreturn void enter(u32 entry, u32 info);

volatile const struct anchor anchor __attribute__((section(".anchor"), used)) = {
    .magic = ANCHOR_MAGIC,
};

static struct machine machine;

static void say_range(u64 start, u64 end)
{
	say_hex(start);
	say("-");
	say_hex(end);
}

/* Refuses memory that the machine does not have, or that its firmware keeps for itself. */
static bool need_ram(const char *what, const char *part, u64 start, u64 end)
{
	u64 ram_end = machine_ram_end(&machine);

	if (machine_has_ram(&machine, start, end))
		return true;
	complain();
	say(what);
	if (part) {
		say(" '");
		say(part);
		say("'");
	}
	say(" needs ");
	say_range(start, end);
	if (end > ram_end) {
		say(" but the machine's memory ends at ");
		say_hex(ram_end);
	} else {
		say(" but not all of it is usable memory");
	}
	return false;
}

static bool clashes(u32 a, u32 a_end, u32 b, u32 b_end)
{
	return a < b_end && b < a_end;
}

static bool check_memory(const struct table *table)
{
	const struct part *part = at(table->parts);
	const struct copy *copy = at(table->copies);
	bool ok = true;

	for (u32 i = 0; i < table->part_count; i++)
		ok &=
		    need_ram("part", at(part[i].name), part[i].start, part[i].start + part[i].size);
	for (u32 i = 0; i < table->copy_count; i++)
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

	for (u32 i = 0; i < table->copy_count; i++) {
		u32 to = copy[i].to, to_end = to + copy[i].memory_size;

		for (u32 k = 0; k < machine.module_count; k++) {
			const struct module *module = &machine.modules[k];

			if (!clashes(to, to_end, module->start, module->end))
				continue;
			complain();
			say("the boot loader put a module at ");
			say_range(module->start, module->end);
			say(", where the hypervisor goes (");
			say_range(to, to_end);
			say(")");
			ok = false;
		}
		if (clashes(to, to_end, (u32)image_start, anchor.image_end)) {
			complain();
			say("the hypervisor's place overlaps the bundle: it was composed wrongly");
			ok = false;
		}
	}
	return ok;
}

static bool check_parts(const struct table *table)
{
	const struct part *part = at(table->parts);
	bool ok = true;

	for (u32 i = 0; i < table->part_count; i++) {
		u32 crc = crc32(at(part[i].start), part[i].size);

		if (crc == part[i].crc)
			continue;
		complain();
		say("part '");
		say(at(part[i].name));
		say("' is damaged: its CRC-32 is ");
		say_hex(crc);
		say(", not ");
		say_hex(part[i].crc);
		say("; load the bundle again");
		ok = false;
	}
	return ok;
}

static bool check_table(void)
{
	if (!anchor.table) {
		complain();
		say("this is a loader without a bundle");
		return false;
	}
	if (!need_ram("the bundle", NULL, (u32)image_start, anchor.table + anchor.table_size))
		return false;
	if (crc32(at(anchor.table), anchor.table_size) == anchor.table_crc)
		return true;
	complain();
	say("the bundle's table is damaged; load the bundle again");
	return false;
}

void loader_main(u32 magic, u32 info)
{
	const struct table *table = at(anchor.table);
	const struct copy *copy;
	u32 handover;

	if (!machine_read(&machine, magic, info)) {
		complain();
		say("the boot loader spoke neither multiboot nor PVH");
		stop();
	}
	if (!machine.range_count) {
		complain();
		say("the boot loader gave no memory map");
		stop();
	}
	if (machine.firmware_is_uefi && !uefi_make_up(&machine)) {
		complain();
		say("UEFI started the machine and the boot loader does not say where ACPI's "
		    "tables are; use the efi medium");
		stop();
	}
	if (!check_table() || !check_memory(table) || !check_places(table) || !check_parts(table))
		stop();
	handover = handover_write(&machine, table);
	if (!handover) {
		complain();
		say("the command lines and modules are too long");
		stop();
	}
	copy = at(table->copies);
	for (u32 i = 0; i < table->copy_count; i++) {
		memcpy(at(copy[i].to), at(copy[i].from), copy[i].file_size);
		memset(at(copy[i].to + copy[i].file_size), 0,
		       copy[i].memory_size - copy[i].file_size);
	}
	enter(table->entry, handover);
}
