/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Multiboot 1 (spec 0.6.96, 3.3), multiboot 2 (spec 2.0, 3.6), PVH
 * (public/arch-x86/hvm/start_info.h). Everything is copied: what the loader wrote may be
 * overwritten later. */
#include "asm/boot.h"
#include "asm/machphys.h"
#include "cmdline.h"
#include "lib.h"

struct boot boot;

static const void *low(u64 address)
{
	return (const void *)(DIRECT_BASE + (ulong)address);
}

static const char *behind_file(const char *text)
{
	while (*text && *text != ' ')
		text++;
	while (*text == ' ')
		text++;
	return text;
}

static void add_range(u64 start, u64 size, u32 type)
{
	if (boot.range_count < MAX_RANGES && size)
		boot.ranges[boot.range_count++] = (struct range){start, size, type};
}

static void add_module(u64 start, u64 end, const char *words)
{
	struct module *m;

	if (boot.module_count == MAX_MODULES)
		return;
	m = &boot.modules[boot.module_count++];
	m->start = start;
	m->end = end;
	strcopy(m->cmdline, words, sizeof(m->cmdline));
}

/* Eight words and bytes that multiboot 1 and 2 have alike, and what the colors are. */
static void read_screen(const u8 *at, const u8 *colors)
{
	struct screen *screen = &boot.screen;

	memcpy(&screen->address, at, 8);
	memcpy(&screen->pitch, at + 8, 4);
	memcpy(&screen->width, at + 12, 4);
	memcpy(&screen->height, at + 16, 4);
	screen->bits = at[20];
	screen->type = at[21];
	memcpy(screen->colors, colors, sizeof(screen->colors));
	boot.has_screen = true;
}

struct mb1 {
	u32 flags, mem_lower, mem_upper, boot_device, cmdline;
	u32 mods_count, mods_addr, syms[4], mmap_length, mmap_addr;
	u32 drives[2], config, loader_name;
	u32 apm, vbe[4];
	u8 screen[22], colors[6];
} __attribute__((packed));

_Static_assert(offsetof(struct mb1, screen) == 88, "spec 0.6.96, 3.3");

static void read_mb1(const struct mb1 *info)
{
	const struct {
		u32 start, end, cmdline, pad;
	} *mods = low(info->mods_addr);

	/* GRUB 2 gives no file name in front of the words, all others do. */
	bool bare = info->flags & 512 && !strncmp(low(info->loader_name), "GRUB ", 5) &&
		    strncmp(low(info->loader_name), "GRUB 0.", 7);

	boot.loader = "multiboot 1";
	if (info->flags & 4)
		strcopy(cmdline, bare ? low(info->cmdline) : behind_file(low(info->cmdline)),
			sizeof(cmdline));
	for (u32 i = 0; info->flags & 8 && i < info->mods_count; i++) {
		const char *words = mods[i].cmdline ? low(mods[i].cmdline) : "";

		add_module(mods[i].start, mods[i].end, bare ? words : behind_file(words));
	}
	if (info->flags & 4096)
		read_screen(info->screen, info->colors);
	for (u32 at = 0; info->flags & 64 && at + 24 <= info->mmap_length;) {
		const u8 *e = low(info->mmap_addr + at);
		u64 start, size;
		u32 length, type;

		memcpy(&length, e, 4);
		memcpy(&start, e + 4, 8);
		memcpy(&size, e + 12, 8);
		memcpy(&type, e + 20, 4);
		add_range(start, size, type);
		at += length + 4;
	}
}

static void read_mb2_mmap(const u8 *tag, u32 size)
{
	u32 entry;

	memcpy(&entry, tag + 8, 4);
	for (u32 at = 16; entry >= 20 && at + entry <= size; at += entry) {
		u64 start, length;
		u32 type;

		memcpy(&start, tag + at, 8);
		memcpy(&length, tag + at + 8, 8);
		memcpy(&type, tag + at + 16, 4);
		add_range(start, length, type);
	}
}

static void read_mb2(const u8 *info)
{
	u32 total, type, size, start, end;

	boot.loader = "multiboot 2";
	memcpy(&total, info, 4);
	for (u32 at = 8; at + 8 <= total; at += ROUND_UP(size, 8)) {
		const u8 *tag = info + at;

		memcpy(&type, tag, 4);
		memcpy(&size, tag + 4, 4);
		if (!type || size < 8)
			break;
		if (type == 1)
			strcopy(cmdline, (const char *)tag + 8, sizeof(cmdline));
		if (type == 3) {
			memcpy(&start, tag + 8, 4);
			memcpy(&end, tag + 12, 4);
			add_module(start, end, (const char *)tag + 16);
		}
		if (type == 6)
			read_mb2_mmap(tag, size);
		if (type == 8 && size >= 38)
			read_screen(tag + 8, tag + 32);
		if (type == 14 || type == 15) {
			memcpy(boot.rsdp_copy, tag + 8, MIN(size - 8, sizeof(boot.rsdp_copy)));
			boot.rsdp = direct_phys(boot.rsdp_copy);
		}
	}
}

struct pvh {
	u32 magic, version, flags, nr_modules;
	u64 modlist, cmdline, rsdp, memmap;
	u32 memmap_entries, reserved;
};

static void read_pvh(const struct pvh *info)
{
	const struct {
		u64 start, size, cmdline, reserved;
	} *mods = low(info->modlist);
	const struct {
		u64 start, size;
		u32 type, reserved;
	} *map = low(info->memmap);

	boot.loader = "PVH";
	if (info->cmdline)
		strcopy(cmdline, low(info->cmdline), sizeof(cmdline));
	for (u32 i = 0; i < info->nr_modules; i++)
		add_module(mods[i].start, mods[i].start + mods[i].size,
			   mods[i].cmdline ? low(mods[i].cmdline) : "");
	for (u32 i = 0; info->version && i < info->memmap_entries; i++)
		add_range(map[i].start, map[i].size, map[i].type);
	boot.rsdp = info->rsdp;
}

void boot_read(void)
{
	switch (boot_magic) {
	case 0x2badb002:
		read_mb1(low(boot_info_at));
		break;
	case 0x36d76289:
		read_mb2(low(boot_info_at));
		break;
	case 0x336ec578:
		read_pvh(low(boot_info_at));
		break;
	default:
		boot.loader = NULL;
	}
}
