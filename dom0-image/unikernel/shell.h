/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control shell on dom0's console. */
#ifndef DOM0_SHELL_H
#define DOM0_SHELL_H

void shell_start(void);

#endif
