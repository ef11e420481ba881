/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What dom0 reads of files that others made: the archive, the settings and kernels, damaged at
 * random. */
#include "archive.h"
#include "check.h"
#include "config.h"
#include "image.h"

#include <string.h>

/* A file that the program was given. */
static char *whole(const char *name, size_t *size)
{
	FILE *file = fopen(name, "rb");
	char *data;

	CHECK(file);
	fseek(file, 0, SEEK_END);
	*size = (size_t)ftell(file);
	rewind(file);
	data = malloc(*size);
	CHECK(fread(data, 1, *size, file) == *size);
	fclose(file);
	return data;
}

/* A copy in memory of exactly its size, with some bytes changed and perhaps cut. */
static char *damaged(const char *data, size_t size, size_t *left, size_t first)
{
	char *copy;

	*left = pick(3) ? size : pick((u32)size + 1);
	copy = malloc(*left ? *left : 1);
	memcpy(copy, data, *left);
	for (u32 changes = pick(6); changes && *left; changes--) {
		u32 range = pick(2) && first < *left ? (u32)first : (u32)*left;

		copy[pick(range)] = (char)(pick(2) ? pick(256) : pick(2) ? 0xff : 0);
	}
	return copy;
}

static void archive(char *data, size_t size)
{
	struct file file;
	size_t at = 0, before = 0;

	while (archive_next(data, size, &at, &file)) {
		CHECK(at > before && at <= size);
		CHECK(file.data >= data && file.size <= size &&
		      file.data + file.size <= data + size);
		CHECK(strlen(file.name) < size);
		before = at;
	}
}

static void config(const char *data, size_t size)
{
	struct guest_config guest;
	const char *error;
	size_t at = 0;
	u32 line = 0;

	while (config_next(data, size, &at, &line, &guest, &error)) {
		CHECK(!error && guest.memory && *guest.kernel && at <= size);
		CHECK(guest.disk_count <= MAX_DISKS && guest.nic_count <= MAX_NICS);
	}
}

static void image(const char *data, size_t size)
{
	struct image made;

	if (image_parse(&made, (const u8 *)data, size))
		return;
	for (u32 i = 0; i < made.load_count; i++) {
		const struct image_load *l = &made.loads[i];

		CHECK(l->filled <= l->size && l->data >= (const u8 *)data);
		CHECK(l->data + l->filled <= (const u8 *)data + size);
		CHECK(l->va >= made.base && l->va >= made.start && l->va + l->size <= made.end);
	}
}

static void exact(void)
{
	static const char text[] =
	    "guest one\nmemory 8192\nkernel one/kernel\ncmdline a=b c  d\n"
	    "disk xvdb ro file one/x\nnic 00:16:3e:0a:0b:0c\nrestart on-crash\n\n"
	    "guest two\nmemory 4\nvcpus 2\nkernel k\nautostart yes\nafter one\n";
	struct guest_config g;
	const char *error;
	size_t at = 0;
	u32 line = 0;

	CHECK(config_next(text, sizeof(text) - 1, &at, &line, &g, &error));
	CHECK(!strcmp(g.name, "one") && g.memory == 8192 && !strcmp(g.cmdline, "a=b c  d") &&
	      g.vcpus == 1);
	CHECK(g.disk_count == 1 && g.disks[0].readonly && !strcmp(g.disks[0].file, "one/x"));
	CHECK(g.nic_count == 1 && g.nics[0].mac[5] == 12 && g.restart == RESTART_ON_CRASH &&
	      !g.autostart);
	CHECK(config_next(text, sizeof(text) - 1, &at, &line, &g, &error));
	CHECK(!strcmp(g.name, "two") && g.vcpus == 2 && g.autostart && !strcmp(g.after, "one"));
	CHECK(!config_next(text, sizeof(text) - 1, &at, &line, &g, &error) && !error);
	at = line = 0;
	CHECK(!config_next("guest x\nmemory many\n", 20, &at, &line, &g, &error) && error &&
	      line == 2);
	CHECK(disk_number("xvda") == 51712 && disk_number("xvdb") == 51728 && !disk_number("sda"));
}

int main(int argc, char **argv)
{
	size_t archive_size, kernel_size, config_size, left;
	char *cpio, *kernel, *text, *copy;

	seed_from(argc, argv);
	CHECK(argc == 5);
	cpio = whole(argv[2], &archive_size);
	kernel = whole(argv[3], &kernel_size);
	text = whole(argv[4], &config_size);
	exact();
	for (u32 i = 0; i < 8000; i++) {
		copy = damaged(cpio, archive_size, &left, archive_size);
		archive(copy, left);
		free(copy);
		copy = damaged(text, config_size, &left, config_size);
		config(copy, left);
		free(copy);
		copy = damaged(kernel, kernel_size, &left, 512);
		image(copy, left);
		free(copy);
	}
	free(cpio);
	free(kernel);
	free(text);
	return 0;
}
