/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bundle's loader for Arm: checks where it was put and what it holds, tells Xen of dom0 and
 * guests in a new device tree, and enters Xen, which lies ready in the bundle. Nothing but the tree
 * is copied.
 */
#include "arch.h"
#include "bundle.h"
#include "chosen.h"
#include "console.h"
#include "crc32.h"
#include "domains.h"
#include "memory.h"

/* In entry.S. */
void loader_main(paddr base, paddr tree, u32 level);
void cache_flush(paddr start, paddr end);
void enter_xen(paddr xen, paddr tree);

static void stop(void)
{
	say("\nxenbuild: stopped\n");
	for (;;)
		arch_wait();
}

static void say_text(struct text text)
{
	for (u32 i = 0; i < text.size; i++)
		console_put(text.bytes[i]);
}

static void say_range(paddr start, paddr end)
{
	say_hex(start);
	say(" to ");
	say_hex(end);
}

static void check_mode(u32 level)
{
	if (level == ARCH_LEVEL)
		return;
	say("xenbuild: Xen must be started in " ARCH_MODE ", but the processor is in mode ");
	say_hex(level);
	say(": start the machine with virtualization\n"
	    "(QEMU: -machine virt,virtualization=on; boards: firmware and boot loader in " ARCH_MODE
	    ")");
	stop();
}

static void check_address(paddr base)
{
	if (base & 0xfff) {
		say("xenbuild: loaded at ");
		say_hex(base);
		say(", which is no multiple of 4 KiB: load the image elsewhere");
		stop();
	}
	if (base & (ARCH_ALIGN - 1)) {
		say("xenbuild: loaded at ");
		say_hex(base);
		say(", which is no multiple of 2 MiB as the boot protocol asks; going on\n");
	}
}

static void check_memory(const struct fdt *fdt, paddr start, paddr end)
{
	u32 have = (u32)(memory_total(fdt) >> 20);
	paddr tree = (uintptr_t)fdt->base;
	const char *owner;

	if (have < bundle.memory_needed) {
		say("xenbuild: this machine has ");
		say_decimal(have);
		say(" MiB of RAM, but this image needs ");
		say_decimal(bundle.memory_needed);
		say(" MiB: give it more, or lower dom0_mem");
		stop();
	}
	if (!memory_holds(fdt, start, end)) {
		say("xenbuild: the image takes ");
		say_range(start, end);
		say(", which is not all RAM: load it elsewhere");
		stop();
	}
	owner = memory_reserved(fdt, start, end);
	if (!owner && start < tree + fdt->size && tree < end)
		owner = "the device tree";
	if (owner) {
		say("xenbuild: the image takes ");
		say_range(start, end);
		say(", where ");
		say(owner);
		say(" lies: load it elsewhere");
		stop();
	}
}

static struct text text_at(paddr base, const struct extent *extent)
{
	return (struct text){at(base + extent->offset), extent->size};
}

static void check_parts(paddr base)
{
	const struct part *part = at(base + bundle.parts.offset);
	const struct part *end = part + bundle.parts.size / sizeof(*part);

	for (; part < end; part++) {
		u32 sum = crc32(at(base + part->extent.offset), part->extent.size);

		if (sum == part->crc32)
			continue;
		say("xenbuild: ");
		say_text(text_at(base, &part->title));
		say(" is damaged: its CRC-32 is ");
		say_hex(sum);
		say(", not ");
		say_hex(part->crc32);
		say(": write or load the image anew");
		stop();
	}
}

static struct module module_at(paddr base, const struct extent *extent)
{
	return (struct module){base + extent->offset, extent->size};
}

static void stop_if(const char *problem)
{
	if (!problem)
		return;
	say("xenbuild: ");
	say(problem);
	stop();
}

static paddr write_tree(const struct fdt *fdt, paddr base)
{
	struct fdt domains;
	const struct chosen chosen = {
	    .xen_cmdline = text_at(base, &bundle.xen_cmdline),
	    .dom0_cmdline = text_at(base, &bundle.dom0_cmdline),
	    .kernel = module_at(base, &bundle.kernel),
	    .initramfs = module_at(base, &bundle.initramfs),
	    .domains = bundle.domains.size ? &domains : NULL,
	    .base = base,
	};
	paddr start = base + bundle.tree.offset;
	paddr end = start + bundle.tree.size;

	if (chosen.domains)
		stop_if(fdt_open(&domains, at(base + bundle.domains.offset)));
	stop_if(domains_problem(fdt, chosen.domains, base, base + bundle.total_size));
	/*
	 * Before: no line may be written back over the tree. After: no old line may hide it from
	 * Xen, which will read it with caches on. The second flush writes nothing back: after the
	 * first one, and with the cache off since, no line of the buffer can be dirty.
	 */
	cache_flush(start, end);
	stop_if(chosen_write(fdt, &chosen, at(start), bundle.tree.size));
	cache_flush(start, end);
	return start;
}

void loader_main(paddr base, paddr tree, u32 level)
{
	const char *problem;
	struct uart uart;
	struct fdt fdt;

	if (!tree || tree & 3)
		stop();
	problem = fdt_open(&fdt, at(tree));
	if (problem)
		stop();
	uart = uart_find(&fdt);
	console_open(&uart);
	check_mode(level);
	check_address(base);
	check_memory(&fdt, base, base + bundle.total_size);
	check_parts(base);
	tree = write_tree(&fdt, base);
	say("xenbuild: entering Xen\n");
	enter_xen(base + bundle.xen.offset, tree);
}
