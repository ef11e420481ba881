/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PV guests on x86: what the two widths do each in its own way, and what they share. */
#ifndef HV_ASM_PV_H
#define HV_ASM_PV_H

#include "asm/cpu.h"
#include "domain.h"

/* Is the vcpu in its kernel? IA-32: ring 1; x86-64: what we remember, since all is ring 3. */
bool guest_in_kernel(const struct regs *r);

/* Makes the guest go on at `to`, with what it was doing on its kernel's stack; an error code below
 * it if `error` is not negative, the data segments' selectors if it is WITH_SEGMENTS. A stack that
 * cannot be written crashes the domain. */
#define WITH_SEGMENTS (-2)
void bounce(struct regs *r, u16 cs, ulong to, bool mask_events, s64 error);
/* To the handler that the guest has set for a trap. */
void inject_trap(struct regs *r, unsigned int vector, s64 error);
void inject_page_fault(struct regs *r, ulong address, u32 error);
void inject_event(struct regs *r);

/* Emulates a privileged instruction of a guest's kernel (#GP), or one that this CPU does not know
 * (#UD).
 */
bool emulate_privileged(struct regs *r);
bool emulate_undefined(struct regs *r);
void guest_cpuid(u32 leaf, u32 sub, u32 out[4]);
/* A write to a page table that the guest reads only: done as a hypercall would. */
bool emulate_table_write(struct regs *r, ulong address);

long pv_hypercall(struct regs *r);
void hypercall_args(const struct regs *r, ulong args[6]);
void hypercall_set_args(struct regs *r, const ulong args[6]);
long do_iret(struct regs *r);
void fill_hypercall_page(u8 *page);
/* Lets only such selectors and flags in that a guest may have. */
void regs_sanitize(struct regs *r);
bool selector_is_kernel_code(u16 *cs);
ulong *guest_register(struct regs *r, unsigned int n);

void fpu_save(struct vcpu *v);
void fpu_trap(struct regs *r);
void fpu_set(struct vcpu *v, const u8 *image); /* that a guest has given: 512 bytes */
void time_info_update(struct vcpu *v);
void wall_clock_update(struct domain *d);
void segments_save(struct vcpu *v);
void segments_load(struct vcpu *v);
/* A selector that a guest left behind is not good any more: mends it. */
bool segment_fault(struct regs *r);
void leave_to_guest(void);

extern const char copy_insn[], copy_insn2[], copy_failed[], load_failed[];
extern const char load_fs_insn[], load_gs_insn[], load_ds_insn[], load_es_insn[];
extern const char guest_iret[], guest_es[], guest_ds[];
ulong copy_checked(void *to, const void *from, size_t size);
ulong load_ds(u32 selector);
ulong load_es(u32 selector);
ulong load_fs(u32 selector);
ulong load_gs(u32 selector);
_Noreturn void resume_frame(struct regs *frame);
_Noreturn void jump_on(void *stack, void (*function)(void));

#endif
