/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks on the two channels of an IDE controller in its old places, by bus master DMA with 28- and
 * 48-bit addresses (ATA/ATAPI-6, 6 to 8; Programming Interface for Bus Master IDE Controller 1.0).
 */
#include "ata.h"
#include "devices.h"
#include "drivers.h"
#include "irq.h"
#include "memory.h"
#include "port.h"

#include <stdio.h>
#include <stdlib.h>

#define STORAGE   1 /* class, and the subclass of IDE */
#define IDE       1
#define TIMEOUT   (5 * SECOND)
#define LBA28_END (1ull << 28)
#define LAST      (1u << 31) /* in a descriptor: there is none behind it */

enum { DATA = 0, COUNT = 2, LBA_LOW = 3, LBA_MIDDLE = 4, LBA_HIGH = 5, DEVICE = 6, COMMAND = 7 };
enum { ERROR = 0x01, DATA_READY = 0x08, FAULT = 0x20, BUSY = 0x80 };
enum {
	IDENTIFY = 0xec,
	READ = 0xc8,
	READ_LONG = 0x25,
	WRITE = 0xca,
	WRITE_LONG = 0x35,
	FLUSH = 0xe7
};
enum { MASTER_COMMAND = 0, MASTER_STATUS = 2, MASTER_TABLE = 4 };
enum { MASTER_START = 1, MASTER_TO_MEMORY = 8, MASTER_FAILED = 2, MASTER_INTERRUPT = 4 };

struct descriptor {
	u32 address, size;
};

struct channel {
	u16 base, control, master;
	struct descriptor *table; /* in a page of its own */
	struct ata_queue queue;
	struct irq irq;
};

struct ide {
	struct block block;
	struct channel *channel;
	bool slave;
	char name[8];
};

static u8 status(const struct channel *channel)
{
	return in8((u16)(channel->base + COMMAND));
}

static void put(const struct channel *channel, u32 at, u64 value)
{
	out8((u16)(channel->base + at), (u8)value);
}

static void pause(const struct channel *channel)
{
	for (u32 i = 0; i < 4; i++)
		in8(channel->control); /* 100 ns each: the status is valid after 400 */
}

static void address(const struct channel *channel, bool slave, u64 sector, u32 count, bool wide)
{
	u8 device = (u8)(0xe0 | slave << 4);

	if (wide) {
		put(channel, DEVICE, device);
		put(channel, COUNT, count >> 8);
		put(channel, LBA_LOW, sector >> 24);
		put(channel, LBA_MIDDLE, sector >> 32);
		put(channel, LBA_HIGH, sector >> 40);
	} else {
		put(channel, DEVICE, device | (sector >> 24 & 15));
	}
	put(channel, COUNT, count);
	put(channel, LBA_LOW, sector);
	put(channel, LBA_MIDDLE, sector >> 8);
	put(channel, LBA_HIGH, sector >> 16);
}

static void fill_table(const struct channel *channel, const struct block_request *request)
{
	u32 left = request->count * SECTOR, i = 0;
	char *page = request->data;

	for (; left; page += PAGE_SIZE, i++) {
		u32 size = left < PAGE_SIZE ? left : (u32)PAGE_SIZE;

		channel->table[i] = (struct descriptor){(u32)machine_address(page), size};
		left -= size;
	}
	channel->table[i - 1].size |= LAST;
}

static void start(void *device)
{
	struct channel *channel = device;
	const struct block_request *request = channel->queue.first;
	const struct ide *disk = request->driver;
	bool wide = request->sector + request->count > LBA28_END, read = request->op == BLOCK_READ;
	u8 direction = read ? MASTER_TO_MEMORY : 0;

	if (request->op == BLOCK_FLUSH) {
		put(channel, DEVICE, 0xe0 | disk->slave << 4);
		put(channel, COMMAND, FLUSH);
		return;
	}
	fill_table(channel, request);
	out8((u16)(channel->master + MASTER_COMMAND), direction);
	out8((u16)(channel->master + MASTER_STATUS), MASTER_FAILED | MASTER_INTERRUPT);
	out32((u16)(channel->master + MASTER_TABLE), (u32)machine_address(channel->table));
	address(channel, disk->slave, request->sector, request->count, wide);
	put(channel, COMMAND, read ? (wide ? READ_LONG : READ) : (wide ? WRITE_LONG : WRITE));
	out8((u16)(channel->master + MASTER_COMMAND), direction | MASTER_START);
}

/* Whether the command that runs is over; *ok says how it went. */
static bool over(const struct channel *channel, bool *ok)
{
	u8 master = in8((u16)(channel->master + MASTER_STATUS)), disk;

	if (channel->queue.first->op != BLOCK_FLUSH && !(master & MASTER_INTERRUPT))
		return false;
	disk = status(channel); /* takes the disk's interrupt back */
	if (disk & BUSY)
		return false;
	out8((u16)(channel->master + MASTER_COMMAND), 0);
	out8((u16)(channel->master + MASTER_STATUS), MASTER_FAILED | MASTER_INTERRUPT);
	*ok = !(disk & (ERROR | FAULT)) && !(master & MASTER_FAILED);
	return true;
}

static bool serve(void *data)
{
	struct channel *channel = data;
	bool ok;

	if (!channel->queue.active || !over(channel, &ok))
		return false;
	ata_done(&channel->queue, ok);
	return true;
}

static void submit(struct block *block, struct block_request *request)
{
	struct ide *disk = block->driver;

	request->driver = disk;
	ata_submit(&disk->channel->queue, request, false);
}

static bool wait_for_data(const struct channel *channel)
{
	u64 until = now() + TIMEOUT;

	while (now() < until) {
		u8 s = status(channel);

		if (s & BUSY)
			continue;
		return !(s & (ERROR | FAULT)) && s & DATA_READY;
	}
	return false;
}

static bool identify(struct ide *disk)
{
	const struct channel *channel = disk->channel;
	u16 words[SECTOR / 2];

	put(channel, DEVICE, 0xa0 | disk->slave << 4);
	pause(channel);
	if (status(channel) == 0xff || !status(channel))
		return false; /* nothing is there */
	address(channel, disk->slave, 0, 0, false);
	put(channel, COMMAND, IDENTIFY);
	pause(channel);
	if (!status(channel) || !wait_for_data(channel))
		return false; /* no disk: a CD drive answers otherwise */
	in16_many((u16)(channel->base + DATA), words, LENGTH(words));
	disk->block.sectors = (u32)words[61] << 16 | words[60];
	if (words[83] >> 10 & 1)
		disk->block.sectors = (u64)words[102] << 32 | (u32)words[101] << 16 | words[100];
	return disk->block.sectors;
}

static bool probe(struct channel *channel, bool slave, char letter)
{
	struct ide *disk = calloc(1, sizeof(*disk));

	if (!disk)
		return false;
	disk->channel = channel;
	disk->slave = slave;
	snprintf(disk->name, sizeof(disk->name), "hd%c", letter);
	disk->block.name = disk->name;
	disk->block.submit = submit;
	disk->block.driver = disk;
	if (identify(disk) && device_add_disk(&disk->block))
		return true;
	free(disk);
	return false;
}

bool ide_probe(const struct pci *pci)
{
	static const struct {
		u16 base;
		u8 line;
	} places[] = {{0x1f0, 14}, {0x170, 15}};
	u16 master = pci_ports(pci, 4);

	if (pci->class != STORAGE || pci->subclass != IDE || !master)
		return false;
	pci_enable(pci);
	for (u32 i = 0; i < LENGTH(places); i++) {
		struct channel *channel = calloc(1, sizeof(*channel));
		struct pci line = *pci;
		bool found;

		if (!channel || !(channel->table = pages_alloc(1)) ||
		    machine_address(channel->table) >> 32)
			return false;
		channel->base = places[i].base;
		channel->control = (u16)(places[i].base + 0x206);
		channel->master = (u16)(master + 8 * i);
		ata_init(&channel->queue, start, channel);
		out8(channel->control, 2); /* no interrupts while we look */
		found = probe(channel, false, (char)('a' + 2 * i));
		found = probe(channel, true, (char)('b' + 2 * i)) || found;
		out8(channel->control, 0);
		line.line = places[i].line;
		if (found)
			irq_attach(&channel->irq, &line, serve, channel);
	}
	return true;
}
