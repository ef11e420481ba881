/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing: entry.S needs no more than asm/regs.h. */
