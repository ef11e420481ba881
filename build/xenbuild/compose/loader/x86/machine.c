/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine.h"
#include "console.h"
#include "multiboot.h"
#include "text.h"

#define FOUR_GIB 0x100000000ull

static void add_range(struct machine *m, u64 start, u64 size, u32 type)
{
	if (!size || m->range_count == MAX_RANGES)
		return;
	m->ranges[m->range_count++] = (struct range){start, size, type};
}

static void add_module(struct machine *m, u32 start, u32 end, const char *cmdline)
{
	if (m->module_count < MAX_MODULES)
		m->modules[m->module_count++] = (struct module){start, end, cmdline};
}

/* Room for a tag of `size` bytes, header included, among the tags that are passed on; NULL if there
 * is none. */
static void *add_extra(struct machine *m, u32 type, u32 size)
{
	u32 room = (size + 7) & ~7u;
	struct mb2_tag *tag = (void *)(m->extra + m->extra_size);

	if (room > sizeof(m->extra) - m->extra_size)
		return NULL;
	m->extra_size += room;
	memset(tag, 0, room);
	tag->type = type;
	tag->size = size;
	return tag;
}

static void read_mb1_video(struct machine *m, const struct mb1_info *info)
{
	struct mb2_vbe *vbe;
	struct mb2_framebuffer *fb;

	if (info->flags & MB1_HAS_VBE && info->vbe_control_info && info->vbe_mode_info) {
		vbe = add_extra(m, MB2_VBE, sizeof(*vbe));
		if (vbe) {
			vbe->mode = info->vbe_mode;
			vbe->interface_seg = info->vbe_interface_seg;
			vbe->interface_off = info->vbe_interface_off;
			vbe->interface_len = info->vbe_interface_len;
			memcpy(vbe->control_info, at(info->vbe_control_info),
			       sizeof(vbe->control_info));
			memcpy(vbe->mode_info, at(info->vbe_mode_info), sizeof(vbe->mode_info));
		}
	}
	if (info->flags & MB1_HAS_FRAMEBUFFER) {
		console_has_vga = info->framebuffer_type == FRAMEBUFFER_TEXT;
		fb = add_extra(m, MB2_FRAMEBUFFER, sizeof(*fb));
		if (fb) {
			fb->addr = info->framebuffer_addr;
			fb->pitch = info->framebuffer_pitch;
			fb->width = info->framebuffer_width;
			fb->height = info->framebuffer_height;
			fb->bpp = info->framebuffer_bpp;
			fb->type = info->framebuffer_type;
			memcpy(fb->color_info, info->color_info, sizeof(fb->color_info));
		}
	}
}

static void read_mb1(struct machine *m, const struct mb1_info *info)
{
	const struct mb1_module *module = at(info->mods_addr);

	if (info->flags & MB1_HAS_LOADER_NAME)
		m->loader = at(info->boot_loader_name);
	if (info->flags & MB1_HAS_CMDLINE)
		m->cmdline = at(info->cmdline);
	m->cmdline_has_file = !loader_is_grub2(m->loader);
	if (info->flags & MB1_HAS_MMAP) {
		u32 where = info->mmap_addr, end = info->mmap_addr + info->mmap_length;

		while (where < end) {
			const struct mb1_mmap *entry = at(where);

			add_range(m, entry->start, entry->length, entry->type);
			where += entry->size + sizeof(entry->size);
		}
	} else if (info->flags & MB1_HAS_MEMORY) {
		add_range(m, 0, (u64)info->mem_lower << 10, TYPE_RAM);
		add_range(m, 1 << 20, (u64)info->mem_upper << 10, TYPE_RAM);
	}
	if (info->flags & MB1_HAS_MODULES)
		for (u32 i = 0; i < info->mods_count; i++)
			add_module(m, module[i].start, module[i].end,
				   module[i].cmdline ? at(module[i].cmdline) : "");
	read_mb1_video(m, info);
}

static void read_mb2_tag(struct machine *m, const struct mb2_tag *tag)
{
	const struct mb2_mmap *mmap = (const void *)tag;
	const struct mb2_module *module = (const void *)tag;
	const struct mb2_framebuffer *fb = (const void *)tag;
	void *extra;

	switch (tag->type) {
	case MB2_CMDLINE:
		m->cmdline = (const char *)(tag + 1);
		return;
	case MB2_LOADER_NAME:
		m->loader = (const char *)(tag + 1);
		return;
	case MB2_MODULE:
		add_module(m, module->start, module->end, module->cmdline);
		return;
	case MB2_MMAP:
		for (u32 i = sizeof(*mmap); mmap->entry_size && i < tag->size;
		     i += mmap->entry_size) {
			const struct mb2_mmap_entry *e = (const void *)((const u8 *)tag + i);

			add_range(m, e->start, e->length, e->type);
		}
		return;
	case MB2_EFI32:
	case MB2_EFI64:
	case MB2_EFI_MMAP:
		m->firmware_is_uefi = true;
		return;
	case MB2_FRAMEBUFFER:
		console_has_vga = fb->type == FRAMEBUFFER_TEXT;
		break;
	case MB2_VBE:
	case MB2_APM:
	case MB2_SMBIOS:
	case MB2_ACPI_OLD:
	case MB2_ACPI_NEW:
		break;
	default:
		return;
	}
	extra = add_extra(m, tag->type, tag->size);
	if (extra)
		memcpy(extra, tag, tag->size);
}

static void read_mb2(struct machine *m, const struct mb2_info *info)
{
	u32 where = (u32)info + sizeof(*info), end = (u32)info + info->total_size;

	while (where < end) {
		const struct mb2_tag *tag = at(where);

		if (tag->type == MB2_END || tag->size < sizeof(*tag))
			break;
		read_mb2_tag(m, tag);
		where += (tag->size + 7) & ~7u;
	}
	m->cmdline_has_file = !loader_is_grub2(m->loader);
}

/* ACPI 6.5, 5.2.5.3: 20 bytes in revision 0, with its own length from revision 2 on. */
static void read_rsdp(struct machine *m, const u8 *rsdp)
{
	bool extended = rsdp[15] >= 2;
	u32 size = extended ? *(const u32 *)(const void *)(rsdp + 20) : 20;
	struct mb2_tag *tag =
	    add_extra(m, extended ? MB2_ACPI_NEW : MB2_ACPI_OLD, sizeof(*tag) + size);

	if (tag)
		memcpy(tag + 1, rsdp, size);
}

static void read_pvh(struct machine *m, const struct pvh_info *info)
{
	const struct pvh_mmap *entry = at((u32)info->memmap);
	const struct pvh_module *module = at((u32)info->modlist);

	m->loader = "PVH";
	if (info->cmdline && info->cmdline < FOUR_GIB)
		m->cmdline = at((u32)info->cmdline);
	if (info->version >= 1 && info->memmap && info->memmap < FOUR_GIB)
		for (u32 i = 0; i < info->memmap_entries; i++)
			add_range(m, entry[i].start, entry[i].size, entry[i].type);
	for (u32 i = 0; i < info->nr_modules && info->modlist < FOUR_GIB; i++)
		add_module(m, (u32)module[i].start, (u32)(module[i].start + module[i].size),
			   module[i].cmdline ? at((u32)module[i].cmdline) : "");
	if (info->rsdp && info->rsdp < FOUR_GIB)
		read_rsdp(m, at((u32)info->rsdp));
}

bool machine_read(struct machine *m, u32 magic, u32 info)
{
	m->loader = "unknown";
	m->cmdline = "";
	m->hypervisor_words = "";
	switch (magic) {
	case MB1_BOOT_MAGIC:
		read_mb1(m, at(info));
		return true;
	case MB2_BOOT_MAGIC:
		read_mb2(m, at(info));
		return true;
	case PVH_BOOT_MAGIC:
		read_pvh(m, at(info));
		return true;
	default:
		return false;
	}
}

/* The rule of Xen's loader_is_grub2() (xen/arch/x86/setup.c). */
bool loader_is_grub2(const char *loader)
{
	for (; *loader; loader++)
		if (loader[0] == 'G' && loader[1] == 'R' && loader[2] == 'U' && loader[3] == 'B' &&
		    loader[4] == ' ')
			return loader[5] != '0';
	return false;
}

/* The range that holds `address`; one that is no RAM is preferred, since firmware maps do overlap.
 */
static const struct range *range_of(const struct machine *m, u64 address)
{
	const struct range *found = NULL;

	for (u32 i = 0; i < m->range_count; i++) {
		const struct range *r = &m->ranges[i];

		if (address < r->start || address - r->start >= r->size)
			continue;
		if (!found || r->type != TYPE_RAM)
			found = r;
	}
	return found;
}

bool machine_has_ram(const struct machine *m, u64 start, u64 end)
{
	while (start < end) {
		const struct range *r = range_of(m, start);

		if (!r || r->type != TYPE_RAM)
			return false;
		start = r->start + r->size;
	}
	return true;
}

u64 machine_ram_end(const struct machine *m)
{
	u64 end = 0;

	for (u32 i = 0; i < m->range_count; i++) {
		const struct range *r = &m->ranges[i];

		if (r->type == TYPE_RAM && r->start < FOUR_GIB && r->start + r->size > end)
			end = r->start + r->size;
	}
	return end < FOUR_GIB ? end : FOUR_GIB;
}
