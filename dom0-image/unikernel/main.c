/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dom0 without an operating system: it owns the devices, runs xenstore, and makes and serves the
 * guests. */
#include "base.h"
#include "devices.h"
#include "event.h"
#include "guest.h"
#include "hardware/smbios.h"
#include "hypercall.h"
#include "memory.h"
#include "screen.h"
#include "shell.h"
#include "xenstore/connection.h"

#include <stdio.h>

static void say_hello(void)
{
	long version = hypercall(HC_XEN_VERSION, VERSION_VERSION, 0, 0, 0);
	char extra[16] = "";

	hypercall(HC_XEN_VERSION, VERSION_EXTRAVERSION, (unsigned long)extra, 0, 0);
	printf("dom0: unikernel on Xen ABI %ld.%ld%.16s, %lu KiB, %lu KiB free\n", version >> 16,
	       version & 0xffff, extra, start_info->nr_pages * 4, pages_left() * 4);
}

/* The word by which a test knows its boot: from the command line, or where a boot loader without
 * words of its own left it, in the firmware. */
static void find_nonce(char *buffer, size_t size)
{
	char words[256];

	if (!option("xenbuild.nonce", buffer, size) &&
	    smbios_oem_string("xenbuild.words=", words, sizeof(words)))
		option_in(words, "xenbuild.nonce", buffer, size);
}

enum shutdown_reason main(void)
{
	char nonce[32] = "";

	if (!is_dom0())
		panic("this is made to be dom0");
	screen_begin();
	say_hello();
	connections_start();
	devices_start();
	screen_start(shell_type);
	guests_start((char *)start_info->mod_start, start_info->mod_len);
	guests_autostart();
	find_nonce(nonce, sizeof(nonce));
	printf("xenbuild: dom0 ready %s\n", nonce);
	shell_start();
	for (;;)
		loop(UINT64_MAX);
}
