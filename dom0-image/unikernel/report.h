/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands that only show something (commands.h). */
#ifndef DOM0_REPORT_H
#define DOM0_REPORT_H

#include "types.h"

const char *report_domains(char **words, u32 count);
const char *report_store(char **words, u32 count);
const char *report_machine(char **words, u32 count);

#endif
