/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What dom0 asks of a guest through xenstore: to end, to suspend itself (control/shutdown), to have
 * so much memory (memory/target, KiB).
 */
#ifndef DRIVERS_MANAGE_H
#define DRIVERS_MANAGE_H

/* Obey from now on; xs_start_ring() has to come before. */
void manage_start(void);

#endif
