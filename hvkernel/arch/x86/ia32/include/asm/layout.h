/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor's part of every address space, IA-32 with PAE: 0xF5800000 and up, as Xen had it.
 * Guests' segments end at 0xF6800000 (asm/regs.h), so they see the machine-to-physical table, read
 * only, and nothing above.
 */
#ifndef HV_ASM_LAYOUT_H
#define HV_ASM_LAYOUT_H

#define HV_START       0xf5800000 /* guests end here */
#define MACHPHYS_GUEST 0xf5800000 /* 16 MiB, read only for guests */
#define GUEST_SEG_END  0xf6800000
#define MACHPHYS_HV    0xf6800000 /* the same, writable */
#define FRAMETABLE     0xf7800000 /* 40 MiB: 24 bytes a frame, 6.6 GiB of RAM */
#define FRAMETABLE_END 0xfa000000
#define WINDOWS        0xfa000000 /* each CPU's: guest's GDT and LDT */
#define FRAME_WINDOWS  0xfa400000 /* map_frame */
#define FIXMAP         0xfa800000 /* devices */
#define FIXMAP_END     0xfac00000
#define DIRECT_BASE    0xfb000000
#define DIRECT_SIZE    0x04e00000 /* 78 MiB */

#define IMAGE_PHYS 0x100000 /* the linker script knows it too */

#define MAX_RAM_FRAMES ((FRAMETABLE_END - FRAMETABLE) / 24)

#endif
