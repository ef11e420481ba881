/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks on the two channels of an IDE controller in its old places, by programmed I/O with 28- and
 * 48-bit addresses (ATA/ATAPI-6, 6 to 8): slow, and there since the first PCs with PCI.
 */
#include "devices.h"
#include "drivers.h"
#include "event.h"
#include "port.h"

#include <stdio.h>
#include <stdlib.h>

#define STORAGE	   1 /* class, and the subclass of IDE */
#define IDE	   1
#define TIMEOUT	   (5 * SECOND)
#define LBA28_END  (1ull << 28)

enum { DATA = 0, COUNT = 2, LBA_LOW = 3, LBA_MIDDLE = 4, LBA_HIGH = 5, DEVICE = 6, COMMAND = 7 };
enum { ERROR = 0x01, DATA_READY = 0x08, FAULT = 0x20, BUSY = 0x80 };
enum { IDENTIFY = 0xec, READ = 0x20, READ_LONG = 0x24, WRITE = 0x30, WRITE_LONG = 0x34, FLUSH = 0xe7 };

struct ide {
	struct block block;
	u16 base, control;
	bool slave, lba48;
	char name[8];
};

static void pause(const struct ide *disk)
{
	for (u32 i = 0; i < 4; i++)
		in8(disk->control); /* 100 ns each: the status is valid after 400 */
}

/* Wait until the disk takes or gives data (want: DATA_READY), or is just done (0). */
static bool wait(const struct ide *disk, u8 want)
{
	u64 until = now() + TIMEOUT;

	pause(disk);
	while (now() < until) {
		u8 status = in8((u16)(disk->base + COMMAND));

		if (status & BUSY)
			continue;
		if (status & (ERROR | FAULT))
			return false;
		if ((status & want) == want)
			return true;
	}
	return false;
}

static void put(const struct ide *disk, u32 at, u64 value)
{
	out8((u16)(disk->base + at), (u8)value);
}

static void command(const struct ide *disk, u64 sector, u32 count, u8 short_command, u8 long_command)
{
	u8 device = (u8)(0xe0 | disk->slave << 4);

	if (sector + count > LBA28_END) {
		put(disk, DEVICE, device & 0xf0);
		put(disk, COUNT, count >> 8);
		put(disk, LBA_LOW, sector >> 24);
		put(disk, LBA_MIDDLE, sector >> 32);
		put(disk, LBA_HIGH, sector >> 40);
		short_command = long_command;
	} else {
		put(disk, DEVICE, device | (sector >> 24 & 15));
	}
	put(disk, COUNT, count);
	put(disk, LBA_LOW, sector);
	put(disk, LBA_MIDDLE, sector >> 8);
	put(disk, LBA_HIGH, sector >> 16);
	put(disk, COMMAND, short_command);
}

static bool transfer(const struct ide *disk, const struct block_request *request)
{
	u16 *at = request->data, port = (u16)(disk->base + DATA);

	if (request->op == BLOCK_FLUSH) {
		put(disk, DEVICE, 0xe0 | disk->slave << 4);
		put(disk, COMMAND, FLUSH);
		return wait(disk, 0);
	}
	if (request->op == BLOCK_READ)
		command(disk, request->sector, request->count, READ, READ_LONG);
	else
		command(disk, request->sector, request->count, WRITE, WRITE_LONG);
	for (u32 s = 0; s < request->count; s++) {
		if (!wait(disk, DATA_READY))
			return false;
		for (u32 word = 0; word < SECTOR / 2; word++, at++) {
			if (request->op == BLOCK_READ)
				*at = in16(port);
			else
				out16(port, *at);
		}
	}
	return wait(disk, 0);
}

static void submit(struct block *block, struct block_request *request)
{
	request->done(request, transfer(block->driver, request));
}

static bool identify(struct ide *disk)
{
	u16 words[SECTOR / 2];

	put(disk, DEVICE, 0xa0 | disk->slave << 4);
	pause(disk);
	if (in8((u16)(disk->base + COMMAND)) == 0xff || !in8((u16)(disk->base + COMMAND)))
		return false; /* nothing is there */
	put(disk, COUNT, 0);
	put(disk, LBA_LOW, 0);
	put(disk, LBA_MIDDLE, 0);
	put(disk, LBA_HIGH, 0);
	put(disk, COMMAND, IDENTIFY);
	pause(disk);
	if (!in8((u16)(disk->base + COMMAND)) || in8((u16)(disk->base + LBA_MIDDLE)) ||
	    in8((u16)(disk->base + LBA_HIGH)) || !wait(disk, DATA_READY))
		return false; /* no disk: a CD drive answers otherwise */
	for (u32 i = 0; i < LENGTH(words); i++)
		words[i] = in16((u16)(disk->base + DATA));
	disk->lba48 = words[83] >> 10 & 1;
	disk->block.sectors = (u32)words[61] << 16 | words[60];
	if (disk->lba48)
		disk->block.sectors = (u64)words[102] << 32 | (u32)words[101] << 16 | words[100];
	return disk->block.sectors;
}

static void probe(u16 base, u16 control, bool slave, char letter)
{
	struct ide *disk = calloc(1, sizeof(*disk));

	if (!disk)
		return;
	disk->base = base;
	disk->control = control;
	disk->slave = slave;
	snprintf(disk->name, sizeof(disk->name), "hd%c", letter);
	disk->block.name = disk->name;
	disk->block.submit = submit;
	disk->block.driver = disk;
	if (!identify(disk) || !device_add_disk(&disk->block))
		free(disk);
}

bool ide_probe(const struct pci *pci)
{
	static const u16 bases[] = {0x1f0, 0x170};

	if (pci->class != STORAGE || pci->subclass != IDE)
		return false;
	for (u32 i = 0; i < 4; i++) {
		u16 base = bases[i / 2];

		out8((u16)(base + 0x206), 2); /* no interrupts: we look ourselves */
		probe(base, (u16)(base + 0x206), i & 1, (char)('a' + i));
	}
	return true;
}
