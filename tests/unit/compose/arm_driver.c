/*
 * Runs the Arm loader's device tree code on the host: argv = command and its arguments, the tree on
 * standard input. The tree lies in a block of its exact size, so that the address sanitizer sees
 * every byte read behind it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chosen.h"
#include "crc32.h"
#include "domains.h"
#include "memory.h"
#include "uart.h"

static u64 number(const char *s)
{
	return strtoull(s, NULL, 0);
}

static void write_tree(const struct fdt *fdt, char **args)
{
	const u32 room = number(args[0]);
	const size_t size = args[7] ? strlen(args[7]) / 2 : 0;
	u8 *nodes = malloc(size + 1);
	struct fdt domains;
	const struct chosen chosen = {
	    .xen_cmdline = {args[1], strlen(args[1])},
	    .dom0_cmdline = {args[2], strlen(args[2])},
	    .kernel = {number(args[3]), number(args[4])},
	    .initramfs = {number(args[5]), number(args[6])},
	    .domains = size ? &domains : NULL,
	    .base = size ? number(args[8]) : 0,
	};
	u8 *to = malloc(room);
	const char *problem;

	for (size_t i = 0; i < size; i++)
		sscanf(args[7] + 2 * i, "%2hhx", &nodes[i]);
	problem = size ? fdt_open(&domains, nodes) : NULL;
	if (!problem && args[7] && args[9])
		problem = domains_problem(fdt, chosen.domains, number(args[8]), number(args[9]));
	if (!problem)
		problem = chosen_write(fdt, &chosen, to, room);

	if (problem)
		printf("problem: %s", problem);
	else
		fwrite(to, 1, fdt_be32(to + 4), stdout);
	free(to);
	free(nodes);
}

static void show_memory(const struct fdt *fdt, char **args)
{
	const char *owner = memory_reserved(fdt, number(args[0]), number(args[1]));

	printf("%" PRIu64 " %d %s", memory_total(fdt),
	       memory_holds(fdt, number(args[0]), number(args[1])), owner ? owner : "-");
}

static void show_uart(const struct fdt *fdt)
{
	struct uart uart = uart_find(fdt);

	if (uart.kind == UART_NONE)
		printf("none");
	else
		printf("%s %#" PRIx64 " %u %u", uart.kind == UART_PL011 ? "pl011" : "8250",
		       uart.address, uart.shift, uart.width);
}

static int run(const char *command, char **args, const u8 *blob, size_t size)
{
	const char *problem;
	struct fdt fdt;

	if (!strcmp(command, "crc32")) {
		printf("%u", crc32(blob, size));
		return 0;
	}
	if (size < FDT_HEADER || fdt_be32(blob + 4) > size)
		return 3; /* no memory behind the tree here: not what the loader is given */
	problem = fdt_open(&fdt, blob);
	if (problem) {
		printf("problem: %s", problem);
		return 0;
	}
	if (!strcmp(command, "write"))
		write_tree(&fdt, args);
	else if (!strcmp(command, "memory"))
		show_memory(&fdt, args);
	else
		show_uart(&fdt);
	return 0;
}

int main(int argc, char **argv)
{
	static u8 input[4 << 20];
	size_t size = fread(input, 1, sizeof(input), stdin);
	u8 *blob = malloc(size ? size : 1);
	int code;

	if (argc < 2)
		return 2;
	memcpy(blob, input, size);
	code = run(argv[1], argv + 2, blob, size);
	free(blob);
	return code;
}
