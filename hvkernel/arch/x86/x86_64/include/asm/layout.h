/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hypervisor's part of every address space on x86-64: slots 256 to 271 of the L4, as the ABI
 * has it. The rest is the guest's. */
#ifndef HV_ASM_LAYOUT_H
#define HV_ASM_LAYOUT_H

#define HV_START       0xffff800000000000
#define HV_END         0xffff880000000000
#define MACHPHYS_GUEST 0xffff800000000000 /* read only for guests */
#define MACHPHYS_HV    0xffff810000000000 /* the same, writable */
#define WINDOWS        0xffff820000000000 /* each CPU's: guest's GDT and LDT */
#define FIXMAP         0xffff820400000000 /* devices */
#define FIXMAP_END     0xffff820440000000
#define FRAMETABLE     0xffff828000000000
#define DIRECT_BASE    0xffff830000000000
#define DIRECT_SIZE    0x0000050000000000 /* 5 TiB */

#define IMAGE_PHYS 0x100000 /* the linker script knows it too */

#define MAX_RAM_FRAMES (1ul << 30) /* 4 TiB */

#endif
