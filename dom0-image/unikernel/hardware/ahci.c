/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks of AHCI controllers (Serial ATA AHCI 1.3.1), one command of a port at a time, by the same
 * ATA commands as in ide.c in their 48-bit forms.
 */
#include "ata.h"
#include "devices.h"
#include "drivers.h"
#include "event.h"
#include "irq.h"
#include "memory.h"
#include "pagetable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORAGE  1 /* class, the subclass of SATA, and the interface of AHCI */
#define SATA     6
#define AHCI     1
#define PORTS    32u
#define SIZE     (0x100 + PORTS * 0x80)
#define TIMEOUT  (5 * SECOND)
#define DISK     0x101u /* the signature of an ATA disk */
#define PIECES   (BLOCK_MAX_SIZE / 4096)
#define H2D      0x27u /* a register FIS from the host */
#define COMMAND  0x80u
#define USES_LBA 0x40u

/* Registers of the controller and of a port, in words. */
enum { CAP = 0, GHC = 1, IS = 2, PI = 3, CAP2 = 9, BOHC = 10 };
enum {
	PORT_CLB = 0,
	PORT_CLBU = 1,
	PORT_FB = 2,
	PORT_FBU = 3,
	PORT_IS = 4,
	PORT_IE = 5,
	PORT_CMD = 6,
	PORT_TFD = 8,
	PORT_SIG = 9,
	PORT_SSTS = 10,
	PORT_SERR = 12,
	PORT_CI = 14
};
enum { CAP_64 = 1u << 31, GHC_ENABLE = 1u << 31, GHC_INTERRUPTS = 2 };
enum { HANDOFF = 1, BIOS_OWNS = 1, OS_OWNS = 2 };
enum { CMD_START = 1, CMD_SPIN_UP = 2, CMD_POWER = 4, CMD_RECEIVE = 16 };
enum { CMD_RECEIVES = 1 << 14, CMD_RUNS = 1 << 15 };
enum { TFD_ERROR = 1, TFD_BUSY = 0x88 };
/* Of a port's interrupts: task file error, and fatal ones of the host and the interface. */
#define IS_FAILED 0x78000000u
enum { IDENTIFY = 0xec, READ = 0x25, WRITE = 0x35, FLUSH = 0xea };

/* What a port shares with the controller: a page, whose parts lie where they have to. */
struct shared {
	struct {
		u32 flags, done, table, table_high, reserved[4];
	} commands[32];
	u8 received[256];
	u8 fis[128]; /* the command table */
	struct {
		u32 data, data_high, reserved, size; /* size: less one */
	} pieces[PIECES];
};

_Static_assert(offsetof(struct shared, received) % 256 == 0, "4.2.1");
_Static_assert(offsetof(struct shared, fis) % 128 == 0, "4.2.2");
_Static_assert(sizeof(struct shared) <= PAGE_SIZE, "no other page need follow it in the machine");

struct port {
	struct block block;
	struct ahci *ahci;
	volatile u32 *registers;
	struct shared *shared;
	struct ata_queue queue;
	char name[8];
};

struct ahci {
	volatile u32 *registers;
	bool wide; /* it reaches memory above 4 GiB */
	struct port *ports[PORTS];
	struct irq irq;
};

/* Whether bits of a register become what they shall in time. */
static bool becomes(const volatile u32 *reg, u32 bits, u32 value)
{
	u64 until = now() + TIMEOUT;

	while ((*reg & bits) != value)
		if (now() > until)
			return false;
	return true;
}

static bool stop(struct port *port)
{
	volatile u32 *command = &port->registers[PORT_CMD];

	*command &= ~(u32)CMD_START;
	if (!becomes(command, CMD_RUNS, 0))
		return false;
	*command &= ~(u32)CMD_RECEIVE;
	return becomes(command, CMD_RECEIVES, 0);
}

static void begin(struct port *port)
{
	port->registers[PORT_SERR] = ~0u;
	port->registers[PORT_IS] = ~0u;
	port->registers[PORT_CMD] |= CMD_RECEIVE | CMD_SPIN_UP | CMD_POWER;
	port->registers[PORT_CMD] |= CMD_START;
}

/* Fill in the data's pieces; returns how many. */
static u32 fill_pieces(struct shared *shared, char *page, u32 left)
{
	u32 i = 0;

	for (; left; page += PAGE_SIZE, i++) {
		u32 size = left < PAGE_SIZE ? left : (u32)PAGE_SIZE;
		u64 address = machine_address(page);

		shared->pieces[i].data = (u32)address;
		shared->pieces[i].data_high = (u32)(address >> 32);
		shared->pieces[i].size = size - 1;
		left -= size;
	}
	return i;
}

static void issue(struct port *port, u8 command, u64 sector, u32 count, void *data, u32 size)
{
	struct shared *shared = port->shared;
	u32 pieces = fill_pieces(shared, data, size);
	const u8 fis[20] = {
	    H2D,
	    COMMAND,
	    command,
	    0,
	    (u8)sector,
	    (u8)(sector >> 8),
	    (u8)(sector >> 16),
	    USES_LBA,
	    (u8)(sector >> 24),
	    (u8)(sector >> 32),
	    (u8)(sector >> 40),
	    0,
	    (u8)count,
	    (u8)(count >> 8),
	};

	memcpy(shared->fis, fis, sizeof(fis));
	shared->commands[0].flags =
	    (u32)sizeof(fis) / 4 | (command == WRITE ? 1u << 6 : 0) | pieces << 16;
	shared->commands[0].done = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	port->registers[PORT_CI] = 1;
}

static void start(void *device)
{
	static const u8 commands[] = {READ, WRITE, FLUSH};
	struct port *port = device;
	const struct block_request *request = port->queue.first;
	u32 count = request->op == BLOCK_FLUSH ? 0 : request->count;

	issue(port, commands[request->op], count ? request->sector : 0, count, request->data,
	      count * SECTOR);
}

/* Whether the command that runs is over; *ok says how it went. A port that failed begins anew. */
static bool over(struct port *port, bool *ok)
{
	u32 is = port->registers[PORT_IS], failed = is & IS_FAILED;

	port->registers[PORT_IS] = is;
	if (!failed && port->registers[PORT_CI] & 1)
		return false;
	*ok = !failed && !(port->registers[PORT_TFD] & TFD_ERROR);
	if (failed) {
		stop(port);
		begin(port);
	}
	return true;
}

static bool serve_port(struct port *port)
{
	bool ok;

	if (!port->queue.active || !over(port, &ok))
		return false;
	ata_done(&port->queue, ok);
	return true;
}

static bool serve(void *data)
{
	struct ahci *ahci = data;
	bool any = false;

	for (u32 i = 0; i < PORTS; i++)
		if (ahci->ports[i])
			any = serve_port(ahci->ports[i]) || any;
	ahci->registers[IS] = ahci->registers[IS];
	return any;
}

static void submit(struct block *block, struct block_request *request)
{
	struct port *port = block->driver;

	ata_submit(&port->queue, request, port->ahci->wide);
}

static bool identify(struct port *port)
{
	u16 *words = pages_alloc(1);
	bool ok;

	if (!words)
		return false;
	issue(port, IDENTIFY, 0, 0, words, SECTOR);
	ok = becomes(&port->registers[PORT_CI], 1, 0) && !(port->registers[PORT_TFD] & TFD_ERROR);
	port->block.sectors = (u64)words[102] << 32 | (u32)words[101] << 16 | words[100];
	if (!(words[83] >> 10 & 1)) /* a disk that knows no 48-bit commands: none has SATA */
		ok = false;
	pages_free(words, 1);
	return ok && port->block.sectors;
}

static bool set_up(struct port *port)
{
	u64 at = machine_address(port->shared), table = at + offsetof(struct shared, fis);
	u64 fis = at + offsetof(struct shared, received);

	if (at >> 32 && !port->ahci->wide)
		return false;
	port->shared->commands[0].table = (u32)table;
	port->shared->commands[0].table_high = (u32)(table >> 32);
	if (!stop(port))
		return false;
	port->registers[PORT_CLB] = (u32)at;
	port->registers[PORT_CLBU] = (u32)(at >> 32);
	port->registers[PORT_FB] = (u32)fis;
	port->registers[PORT_FBU] = (u32)(fis >> 32);
	begin(port);
	return becomes(&port->registers[PORT_TFD], TFD_BUSY, 0);
}

/* The disk on a port, if one is there: its link is up, and what it said of itself first. */
static struct port *open_port(struct ahci *ahci, u32 number)
{
	static char next_letter = 'a';
	volatile u32 *registers = &ahci->registers[(0x100 + number * 0x80) / 4];
	struct port *port;

	if ((registers[PORT_SSTS] & 15) != 3 || registers[PORT_SIG] != DISK)
		return NULL;
	port = calloc(1, sizeof(*port));
	if (!port || !(port->shared = pages_alloc(1)))
		return NULL;
	port->ahci = ahci;
	port->registers = registers;
	ata_init(&port->queue, start, port);
	if (!set_up(port) || !identify(port)) {
		printf("dom0: the disk on SATA port %u does not answer\n", number);
		stop(port);
		return NULL;
	}
	snprintf(port->name, sizeof(port->name), "sd%c", next_letter++);
	port->block.name = port->name;
	port->block.submit = submit;
	port->block.driver = port;
	if (!device_add_disk(&port->block))
		return NULL;
	registers[PORT_IS] = ~0u;
	registers[PORT_IE] = ~0u;
	return port;
}

bool ahci_probe(const struct pci *pci)
{
	u64 address = pci_memory(pci, 5);
	struct ahci *ahci;

	if (pci->class != STORAGE || pci->subclass != SATA || pci->interface != AHCI || !address)
		return false;
	ahci = calloc(1, sizeof(*ahci));
	if (!ahci || !(ahci->registers = map_device(address, SIZE)))
		return false;
	pci_enable(pci);
	if (ahci->registers[CAP2] & HANDOFF) { /* 10.6.3 */
		ahci->registers[BOHC] |= OS_OWNS;
		becomes(&ahci->registers[BOHC], BIOS_OWNS, 0);
	}
	ahci->registers[GHC] |= GHC_ENABLE;
	ahci->wide = ahci->registers[CAP] & CAP_64;
	for (u32 i = 0; i < PORTS; i++)
		if (ahci->registers[PI] >> i & 1)
			ahci->ports[i] = open_port(ahci, i);
	ahci->registers[IS] = ~0u;
	ahci->registers[GHC] |= GHC_INTERRUPTS;
	irq_attach(&ahci->irq, pci, serve, ahci);
	return true;
}
