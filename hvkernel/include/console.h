/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HV_CONSOLE_H
#define HV_CONSOLE_H

#include "types.h"

/* Out: to the serial port and into a ring that dom0 can read (SYSCTL_readconsole). */
void console_write(const char *text, size_t size);
void console_guest_write(domid_t id, const char *text, size_t size);
/* In: three times Ctrl-A goes over to the hypervisor's own keys and back. */
void console_input(char c);
size_t console_read(char *out, size_t size);
size_t console_ring_read(char *out, size_t size, u32 *index, bool incremental, bool clear);
/* A debug key (keys.c). */
void handle_key(char key);

/* By the arch: */
void serial_put(char c);
_Noreturn void machine_stop(bool reboot, int code);
void dump_stack(void);
void arch_dump_vcpu(const void *vcpu);

#endif
