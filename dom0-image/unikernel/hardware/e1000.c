/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel's 8254x network cards, which QEMU, Bochs and VMware emulate (PCI/PCI-X Family of Gigabit
 * Ethernet Controllers Software Developer's Manual, 3 and 13).
 */
#include "bridge.h"
#include "drivers.h"
#include "irq.h"
#include "memory.h"
#include "pagetable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTEL     0x8086
#define REGISTERS 0x20000u
#define ENTRIES   64u /* of each ring; a ring's length is a multiple of 128 bytes */

enum {
	CTRL = 0x0000,
	ICR = 0x00c0,
	IMS = 0x00d0,
	IMC = 0x00d8,
	RCTL = 0x0100,
	TCTL = 0x0400,
	TIPG = 0x0410,
	RDBAL = 0x2800,
	RDBAH = 0x2804,
	RDLEN = 0x2808,
	RDH = 0x2810,
	RDT = 0x2818,
	TDBAL = 0x3800,
	TDBAH = 0x3804,
	TDLEN = 0x3808,
	TDH = 0x3810,
	TDT = 0x3818,
	MTA = 0x5200,
	RAL = 0x5400,
	RAH = 0x5404,
};

#define CTRL_LINK_UP (1u << 6)
#define CTRL_RESET   (1u << 26)
#define RCTL_ON                                                                                    \
	(1u << 1 | 1u << 3 | 1u << 4 | 1u << 15 | 1u << 26) /* promiscuous, broadcast, no CRC */
#define TCTL_ON       (1u << 1 | 1u << 3 | 0x10u << 4 | 0x40u << 12) /* with padding */
#define TIPG_IEEE     (10u | 8u << 10 | 6u << 20)
#define CAUSES        (1u << 7 | 1u << 4 | 1u << 6) /* received, and too little room for it */
#define COMMAND_SEND  0x0bu                         /* end of packet, insert CRC, report status */
#define STATUS_DONE   1u
#define STATUS_PACKET 2u

struct rx_entry {
	u64 address;
	u16 size, checksum;
	u8 status, errors;
	u16 special;
};

struct tx_entry {
	u64 address;
	u16 size;
	u8 checksum_offset, command, status, checksum_start;
	u16 special;
};

struct e1000 {
	struct nic nic;
	volatile u8 *registers;
	volatile struct rx_entry *rx;
	volatile struct tx_entry *tx;
	char *rx_pages[ENTRIES], *tx_pages[ENTRIES];
	u32 rx_next, tx_next;
	struct irq irq;
	char name[8];
};

static u32 get(const struct e1000 *card, u32 at)
{
	return *(volatile u32 *)(volatile void *)(card->registers + at);
}

static void put(const struct e1000 *card, u32 at, u32 value)
{
	*(volatile u32 *)(volatile void *)(card->registers + at) = value;
}

static void send(struct nic *nic, const void *frame, size_t size)
{
	struct e1000 *card = nic->driver;
	volatile struct tx_entry *entry = &card->tx[card->tx_next];

	if (!(entry->status & STATUS_DONE) || size > FRAME_MAX) {
		nic->dropped++;
		return;
	}
	memcpy(card->tx_pages[card->tx_next], frame, size);
	entry->size = (u16)size;
	entry->status = 0;
	entry->command = COMMAND_SEND;
	card->tx_next = (card->tx_next + 1) % ENTRIES;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	put(card, TDT, card->tx_next);
	nic->sent++;
}

static bool serve(void *data)
{
	struct e1000 *card = data;
	bool any = false;

	(void)get(card, ICR); /* reading takes the interrupt back */
	for (;;) {
		volatile struct rx_entry *entry = &card->rx[card->rx_next];

		if (!(entry->status & STATUS_DONE))
			return any;
		any = true;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (entry->status & STATUS_PACKET && !entry->errors && entry->size >= FRAME_MIN &&
		    entry->size <= FRAME_MAX) {
			card->nic.received++;
			if (card->nic.receive)
				card->nic.receive(&card->nic, card->rx_pages[card->rx_next],
						  entry->size);
		}
		entry->status = 0;
		put(card, RDT, card->rx_next);
		card->rx_next = (card->rx_next + 1) % ENTRIES;
	}
}

static bool make_rings(struct e1000 *card)
{
	card->rx = pages_alloc(1);
	card->tx = pages_alloc(1);
	if (!card->rx || !card->tx)
		return false;
	for (u32 i = 0; i < ENTRIES; i++) {
		card->rx_pages[i] = pages_alloc(1);
		card->tx_pages[i] = pages_alloc(1);
		if (!card->rx_pages[i] || !card->tx_pages[i])
			return false;
		card->rx[i].address = machine_address(card->rx_pages[i]);
		card->tx[i].address = machine_address(card->tx_pages[i]);
		card->tx[i].status = STATUS_DONE;
	}
	return true;
}

static void ring(struct e1000 *card, u32 low, u32 high, u32 length, volatile void *entries)
{
	u64 address = machine_address((void *)(uintptr_t)entries);

	put(card, low, (u32)address);
	put(card, high, (u32)(address >> 32));
	put(card, length, ENTRIES * 16);
}

static void begin(struct e1000 *card)
{
	put(card, IMC, ~0u);
	put(card, CTRL, get(card, CTRL) | CTRL_RESET);
	for (u64 until = now() + 10 * MILLISECOND; now() < until;)
		;
	put(card, IMC, ~0u);
	put(card, CTRL, get(card, CTRL) | CTRL_LINK_UP);
	for (u32 i = 0; i < 128; i++)
		put(card, MTA + 4 * i, 0);
	ring(card, RDBAL, RDBAH, RDLEN, card->rx);
	put(card, RDH, 0);
	put(card, RDT, ENTRIES - 1);
	put(card, RCTL, RCTL_ON);
	ring(card, TDBAL, TDBAH, TDLEN, card->tx);
	put(card, TDH, 0);
	put(card, TDT, 0);
	put(card, TIPG, TIPG_IEEE);
	put(card, TCTL, TCTL_ON);
	put(card, IMS, CAUSES);
}

bool e1000_probe(const struct pci *pci)
{
	static char next_digit = '0';
	struct e1000 *card;
	u32 low, high;

	if (pci->vendor != INTEL || (pci->device != 0x100e && pci->device != 0x100f))
		return false;
	pci_enable(pci);
	card = calloc(1, sizeof(*card));
	if (!card || !make_rings(card) ||
	    !(card->registers = map_device(pci_memory(pci, 0), REGISTERS)))
		return false;
	low = get(card, RAL);
	high = get(card, RAH);
	for (u32 i = 0; i < 6; i++)
		card->nic.mac[i] = (u8)(i < 4 ? low >> 8 * i : high >> 8 * (i - 4));
	begin(card);
	snprintf(card->name, sizeof(card->name), "en%c", next_digit++);
	card->nic.name = card->name;
	card->nic.send = send;
	card->nic.driver = card;
	irq_attach(&card->irq, pci, serve, card);
	return bridge_join(&card->nic);
}
