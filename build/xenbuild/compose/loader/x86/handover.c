/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why multiboot 2: Xen's reloc.c takes video information (VBE, framebuffer) from multiboot 2 only,
 * the same in 4.17 and 4.20. ACPI and SMBIOS tags are passed on for hypervisors that read them; Xen
 * finds those tables by itself.
 */
#include "handover.h"
#include "multiboot.h"
#include "text.h"

#define PIECES 5

static u8 info[65536] __attribute__((aligned(8)));
static u32 used;
static bool full;

/* A new tag with room for `size` bytes behind its header. */
static void *add_tag(u32 type, u32 size)
{
	struct mb2_tag *tag = (void *)(info + used);
	u32 room = (sizeof(*tag) + size + 7) & ~7u;

	if (size > sizeof(info) || room > sizeof(info) - used) {
		full = true;
		return NULL;
	}
	used += room;
	tag->type = type;
	tag->size = sizeof(*tag) + size;
	return tag + 1;
}

/* A tag that holds `fixed` bytes (returned) and a string put together from up to PIECES pieces. */
static void *add_string(u32 type, u32 fixed, const char *const pieces[PIECES])
{
	size_t size = fixed + 1;
	u8 *body;
	char *end;

	for (int i = 0; i < PIECES; i++)
		size += text_length(pieces[i]);
	body = add_tag(type, size);
	if (!body)
		return NULL;
	end = (char *)body + fixed;
	for (int i = 0; i < PIECES; i++)
		for (const char *s = pieces[i]; *s; s++)
			*end++ = *s;
	*end = '\0';
	return body;
}

/* The words that the user gave to the boot loader, without the file's name. */
static const char *given_words(const struct machine *m)
{
	const char *p = m->cmdline;

	while (*p == ' ')
		p++;
	if (m->cmdline_has_file)
		while (*p && *p != ' ')
			p++;
	while (*p == ' ')
		p++;
	return p;
}

static void add_module(u32 start, u32 end, const char *file, const char *cmdline, const char *more)
{
	u32 *range = add_string(MB2_MODULE, 8, (const char *const[]){file, cmdline, more, "", ""});

	if (range) {
		range[0] = start;
		range[1] = end;
	}
}

static void add_memory(const struct machine *m)
{
	struct mb2_mmap_entry *entry;
	u64 lower = 0, upper = 0;
	u32 *body = add_tag(MB2_BASIC_MEMORY, 8);

	for (u32 i = 0; i < m->range_count; i++) {
		const struct range *r = &m->ranges[i];

		if (r->type == TYPE_RAM && r->start == 0)
			lower = r->size >> 10;
		if (r->type == TYPE_RAM && r->start <= 1 << 20 && r->start + r->size > 1 << 20)
			upper = (r->start + r->size - (1 << 20)) >> 10;
	}
	if (body) {
		body[0] = lower > 640 ? 640 : (u32)lower;
		body[1] = upper > 0xffffffff ? 0xffffffff : (u32)upper;
	}
	body = add_tag(MB2_MMAP, 8 + m->range_count * sizeof(*entry));
	if (!body)
		return;
	body[0] = sizeof(*entry);
	body[1] = 0;
	entry = (void *)(body + 2);
	for (u32 i = 0; i < m->range_count; i++, entry++)
		*entry = (struct mb2_mmap_entry){m->ranges[i].start, m->ranges[i].size,
						 m->ranges[i].type, 0};
}

u32 handover_write(const struct machine *m, const struct table *table)
{
	const struct part *part = at(table->parts);
	const char *words = given_words(m), *cmdline = at(table->cmdline);
	u32 kernel = 0; /* the first module */
	/* Xen drops the first word of each command line unless the boot loader's name is that of
	 * GRUB 2. */
	bool file_first = !loader_is_grub2(m->loader);

	used = sizeof(struct mb2_info);
	add_string(
	    MB2_CMDLINE, 0,
	    (const char *const[]){file_first ? "hypervisor " : "", cmdline, m->hypervisor_words,
				  (*cmdline || *m->hypervisor_words) && *words ? " " : "", words});
	add_string(MB2_LOADER_NAME, 0,
		   (const char *const[]){"xenbuild, started by ", m->loader, "", "", ""});
	add_memory(m);
	while (kernel < table->part_count && !part[kernel].module)
		kernel++;
	for (u32 i = 0; i < table->part_count; i++)
		if (part[i].module)
			add_module(part[i].start, part[i].start + part[i].size,
				   file_first ? "module " : "", at(part[i].cmdline),
				   i == kernel ? m->dom0_words : "");
	/* The boot loader's own modules follow; their command lines have the form that its name
	 * implies already. */
	for (u32 i = 0; i < m->module_count; i++)
		add_module(m->modules[i].start, m->modules[i].end, "", m->modules[i].cmdline, "");
	if (m->extra_size <= sizeof(info) - used) {
		memcpy(info + used, m->extra, m->extra_size);
		used += m->extra_size;
	}
	add_tag(MB2_END, 0);
	((struct mb2_info *)(void *)info)->total_size = used;
	return full ? 0 : (u32)info;
}
