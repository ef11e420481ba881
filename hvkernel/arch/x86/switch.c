/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From one vcpu to another on this CPU, and what a vcpu has of the arch. */
#include "asm/boot.h"
#include "asm/cpu.h"
#include "asm/geometry.h"
#include "asm/machphys.h"
#include "asm/pv.h"
#include "asm/tables.h"
#include "asm/tss.h"
#include "cpus.h"
#include "errno.h"
#include "frame.h"
#include "guest.h"
#include "lib.h"
#include "pagetype.h"
#include "sched.h"
#include "space.h"
#include "tlb.h"

/* The address that CR3 gets. PAE: four entries of our own below 4 GiB, copied from the guest's L3;
 * where it has nothing in the last slot there is still the hypervisor. */
ulong root_address(void *root)
{
	return direct_phys(root);
}

static void copy_pdptes(struct vcpu *v)
{
	const pte_t *root = map_frame(mfn_of(v->arch.root));

	for (unsigned int i = 0; i < 4; i++) {
		u64 e = __atomic_load_n(&root[i], __ATOMIC_RELAXED);

		e &= PTE_MFN | PTE_P | PTE_PWT | PTE_PCD;
		if (i == 3 && !(e & PTE_P))
			e = hv_root[3];
		__atomic_store_n(&v->arch.pdptes[i], e, __ATOMIC_SEQ_CST);
	}
	unmap_frame(root);
}

void space_load(struct vcpu *v)
{
	struct page *root = v->arch.in_kernel ? v->arch.root : v->arch.root_user;

	if (!root) {
		domain_crash(v->domain, "vcpu %u has no page tables", v->id);
		write_cr3(root_address(hv_root)); /* not those of whoever ran here before */
		this_cpu()->tlb_flushed = __atomic_add_fetch(&tlb_clock, 1, __ATOMIC_SEQ_CST);
		return;
	}
	if (PT_LEVELS == 3) {
		copy_pdptes(v);
		write_cr3(direct_phys(v->arch.pdptes));
	} else {
		write_cr3(mfn_of(root) << PAGE_SHIFT);
	}
	this_cpu()->tlb_flushed = __atomic_add_fetch(&tlb_clock, 1, __ATOMIC_SEQ_CST);
}

/* The CPU reads a PAE root only when CR3 is loaded. */
void root_changed(struct domain *d, struct page *root)
{
	ulong users = 0;

	if (PT_LEVELS != 3)
		return;
	for (unsigned int i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i]->arch.root == root) {
			copy_pdptes(d->vcpu[i]);
			if (d->vcpu[i]->running)
				users |= BIT(d->vcpu[i]->cpu);
		}
	if (users)
		tlb_flush_cpus(users);
}

static void leave(struct vcpu *v)
{
	v->arch.regs = *guest_regs();
	segments_save(v);
	fpu_save(v);
}

static void enter(struct vcpu *v)
{
	struct tss *tss = this_cpu()->arch.tss;

	*guest_regs() = v->arch.regs;
	space_load(v);
	space_load_descriptors(v);
	segments_load(v);
	tss->io_bitmap = v->domain->arch.io_allowed ? sizeof(struct tss) : 0xffff;
	time_info_update(v);
	runstate_report(v);
}

_Noreturn void arch_switch(struct vcpu *prev, struct vcpu *next)
{
	u8 *stack = (u8 *)guest_regs() - 64;

	if (prev->domain)
		leave(prev);
	if (next->domain) {
		enter(next);
		jump_on(stack, (void (*)(void))resume_current);
	}
	write_cr3(root_address(hv_root));
	this_cpu()->tlb_flushed = __atomic_add_fetch(&tlb_clock, 1, __ATOMIC_SEQ_CST);
	unlock(&hv_lock);
	jump_on(stack, (void (*)(void))idle_loop);
}

int arch_vcpu_create(struct vcpu *v)
{
	v->arch.traps = domain_hv_alloc(v->domain, 0);
	v->arch.in_kernel = true;
	if (!v->id)
		wall_clock_update(v->domain);
	return v->arch.traps ? 0 : -ENOMEM;
}

void arch_vcpu_destroy(struct vcpu *v)
{
	domain_hv_free(v->domain, v->arch.traps, 0);
}

/* Pins and the domain's own references go; frames whose last user is gone are free. Frames that
 * others still hold are moved out of the way, so that a continued call meets each once. */
int arch_domain_relinquish(struct domain *d)
{
	if (!d->arch.relinquishing) {
		for (unsigned int i = 0; i < d->max_vcpus; i++)
			space_drop(d->vcpu[i]);
		d->arch.relinquishing = true;
		list_init(&d->arch.held);
	}
	while (!list_empty(&d->pages)) {
		struct page *page = list_entry(d->pages.next, struct page, node);

		list_remove(&page->node);
		list_insert(&d->arch.held, &page->node);
		page->refs++;
		if (page->type & PT_PINNED) {
			page->type &= ~PT_PINNED;
			page_put_both(page);
		}
		if (!page->spare)
			page_give_up(page);
		page_put(page);
		if (preempt_wanted())
			return -ECONTINUE;
	}
	return 0;
}

bool io_frame_allowed(const struct domain *d, mfn_t mfn)
{
	if (!d->arch.io_allowed || (u64)mfn >> (cpu_address_bits - PAGE_SHIFT) ||
	    mfn == (mfn_t)(lapic_address >> PAGE_SHIFT))
		return false;
	for (unsigned int i = 0; i < ioapic_count; i++)
		if (mfn == (mfn_t)(ioapics[i].address >> PAGE_SHIFT))
			return false;
	return true;
}
