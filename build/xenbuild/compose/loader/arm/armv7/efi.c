/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bundle as a UEFI application, for firmware that stays in HYP mode, as U-Boot's does. It asks
 * for the device tree, ends the firmware's services, and leaves memory as the zImage protocol has
 * it. (UEFI specification 2.10, chapters 4 and 7.)
 */
#include "arch.h"
#include "bundle.h"
#include "fdt.h"

typedef uintptr_t efi_status;

/* EFI_LOAD_ERROR, EFI_UNSUPPORTED */
#define EFI_ERROR(number) (((efi_status)1 << (8 * sizeof(efi_status) - 1)) | (number))
enum { EFI_SUCCESS = 0, LOAD_ERROR = 1, UNSUPPORTED = 3 };

#define TRIES 3 /* the map of memory may change between asking for it and ending the services */

struct efi_guid {
	u32 words[4];
};

struct efi_header {
	u64 signature;
	u32 revision, size, crc32, reserved;
};

struct efi_text_output {
	void *reset;
	efi_status (*output_string)(struct efi_text_output *self, const u16 *text);
};

struct efi_boot_services {
	struct efi_header header;
	void *priorities[2], *pages[2];
	efi_status (*get_memory_map)(uintptr_t *size, void *map, uintptr_t *key,
				     uintptr_t *entry_size, u32 *version);
	void *others[21]; /* from AllocatePool to UnloadImage */
	efi_status (*exit_boot_services)(void *image, uintptr_t key);
};

struct efi_table {
	struct efi_guid guid;
	const void *table;
};

struct efi_system_table {
	struct efi_header header;
	const u16 *vendor;
	u32 revision;
	void *input_handle, *input, *output_handle;
	struct efi_text_output *output;
	void *error_handle, *error, *runtime;
	struct efi_boot_services *boot;
	uintptr_t tables_count;
	const struct efi_table *tables;
};

_Static_assert(sizeof(struct efi_system_table) == 72, "as on a machine of 32 bits");

/* In entry.S; efi_main is called from there. */
void cache_flush(paddr start, paddr end);
efi_status efi_main(void *image, struct efi_system_table *table, uintptr_t base, uintptr_t *tree);

static u64 memory_map[2048]; /* nobody reads it */

static void say(struct efi_system_table *table, const char *text)
{
	u16 one[2] = {0, 0};

	for (; *text; text++) {
		one[0] = (u8)*text;
		table->output->output_string(table->output, one);
	}
}

static efi_status refuse(struct efi_system_table *table, const char *why, u32 error)
{
	say(table, "xenbuild: ");
	say(table, why);
	say(table, "\r\n");
	return EFI_ERROR(error);
}

/* EFI_DTB_TABLE_GUID (Embedded Base Boot Requirements): b1b621d5-f19c-41a5-830b-d9152c69aae0 */
static const void *device_tree(const struct efi_system_table *table)
{
	for (uintptr_t i = 0; i < table->tables_count; i++) {
		const u32 *guid = table->tables[i].guid.words;

		if (guid[0] == 0xb1b621d5 && guid[1] == 0x41a5f19c && guid[2] == 0x15d90b83 &&
		    guid[3] == 0xe0aa692c)
			return table->tables[i].table;
	}
	return NULL;
}

static u32 mode(void)
{
	u32 cpsr;

	__asm__ volatile("mrs %0, cpsr" : "=r"(cpsr));
	return cpsr & 0x1f;
}

static efi_status end_services(struct efi_boot_services *boot, void *image)
{
	uintptr_t size, key, entry_size;
	efi_status status = EFI_ERROR(LOAD_ERROR);
	u32 version;

	for (u32 i = 0; i < TRIES && status != EFI_SUCCESS; i++) {
		size = sizeof(memory_map);
		status = boot->get_memory_map(&size, memory_map, &key, &entry_size, &version);
		if (status == EFI_SUCCESS)
			status = boot->exit_boot_services(image, key);
	}
	return status;
}

/* Returns only to say why not, or with the address of the device tree and the machine our own. */
efi_status efi_main(void *image, struct efi_system_table *table, uintptr_t base, uintptr_t *tree)
{
	const u8 *found = device_tree(table);
	efi_status status;

	if (mode() != ARCH_LEVEL)
		return refuse(table,
			      "Xen must be started in " ARCH_MODE ", which this firmware has left",
			      UNSUPPORTED);
	if (!found)
		return refuse(table, "this firmware has no device tree", UNSUPPORTED);
	status = end_services(table->boot, image);
	if (status != EFI_SUCCESS)
		return status;
	*tree = (uintptr_t)found;
	cache_flush(*tree, *tree + fdt_be32(found + 4));
	cache_flush(base, base + bundle.total_size);
	return EFI_SUCCESS;
}
