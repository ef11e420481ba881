/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds arm64/entry.inc or armv7/entry.inc by the include path. */
#include "entry.inc"
