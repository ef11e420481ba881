/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes its disk from the first sector on, in each its number as a line of text, some at a time
 * and none twice, while it answers pings and what comes to TCP port 7. Twice a second it tells how
 * many are written, and in the how manieth of its domains. What is typed on its console ends the
 * writing, after LAST more.
 */
#include "base.h"
#include "blkif.h"
#include "console.h"
#include "event.h"
#include "ip.h"
#include "manage.h"
#include "memory.h"
#include "netif.h"
#include "tcp.h"
#include "xs.h"

#include <stdio.h>
#include <string.h>

#define DEPTH 16 /* requests under way, and how many are begun in each turn */
#define TURN  (10 * MILLISECOND)
#define LAST  200

static struct job {
	struct block_request request;
	bool busy;
} jobs[DEPTH];

static struct ip ip;
static struct block *disk;
static u64 begun, written, end = UINT64_MAX;

static size_t echo(const u8 *data, size_t size, u8 *answer)
{
	memcpy(answer, data, size);
	return size;
}

static void done(struct block_request *request, bool ok)
{
	struct job *job = request->context;

	if (!ok)
		panic("a record cannot be written");
	written++;
	job->busy = false;
}

static void write_some(void)
{
	for (u32 i = 0; i < DEPTH && begun < end; i++) {
		struct job *job = &jobs[i];

		if (job->busy)
			continue;
		job->busy = true;
		job->request.sector = begun;
		memset(job->request.data, 0, SECTOR);
		snprintf(job->request.data, SECTOR, "%llu\n", (unsigned long long)begun++);
		block_submit(disk, &job->request);
	}
}

static void tell(void)
{
	static unsigned long last, domains;
	unsigned long domain;

	if (xs_read_number(XS_NO_TX, "domid", &domain))
		panic("no domid");
	domains += !domains || domain != last;
	last = domain;
	printf("count: %llu records, domain %lu%s\n", (unsigned long long)written, domains,
	       written == end ? ", all" : "");
}

static void typed(void *data)
{
	char text[16];

	(void)data;
	if (console_read(text, sizeof(text)) && end == UINT64_MAX)
		end = begun + LAST;
}

static void start(void)
{
	char text[64];
	u32 address, mask;
	struct nic *nic;

	if (!option("address", text, sizeof(text)) || !ip_parse(text, &address, &mask))
		panic("address=A.B.C.D/BITS is missing");
	console_on_input(typed, NULL);
	xs_start_ring();
	manage_start();
	if (xs_list(XS_NO_TX, "device/vbd", text, sizeof(text)) <= 0 ||
	    !(disk = blkfront_open(text)))
		panic("no disk");
	for (u32 i = 0; i < DEPTH; i++)
		jobs[i].request = (struct block_request){.op = BLOCK_WRITE,
							 .count = 1,
							 .data = pages_alloc(1),
							 .done = done,
							 .context = &jobs[i]};
	if (!(nic = netfront_open("0")))
		panic("no network");
	tcp_listen(7, echo);
	ip_start(&ip, nic, address, mask, 0);
}

enum shutdown_reason main(void)
{
	u64 turn = 0, told = 0;

	start();
	for (;;) {
		if (now() >= turn) {
			write_some();
			turn = now() + TURN;
		}
		if (now() >= told) {
			tell();
			told = now() + 500 * MILLISECOND;
		}
		loop(turn < told ? turn : told);
	}
}
