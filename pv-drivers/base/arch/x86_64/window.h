/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_WINDOW_H
#define BASE_WINDOW_H

#define WINDOW_PAGES 16384ul              /* for frames of others: 64 MiB */
#define WINDOW_END   0x0000400000000000ul /* below the middle of the lower half, all of it ours */

#endif
