/* SPDX-License-Identifier: MIT */
#include "exception.h"
#include "console.h"
#include "gic.h"
#include "io.h"
#include "psci.h"

static volatile bool guarded;
static volatile struct fault last;
static void (*take_irq)(void) = gic_dispatch;
static void (*take_fiq)(void);

void fault_guard(void)
{
	last.taken = false;
	guarded = true;
	dsb();
	isb();
}

struct fault fault_end(void)
{
	dsb();
	isb();
	guarded = false;
	return (struct fault){ last.taken, last.ec, last.fsc, last.far };
}

void exception_set_interrupts(void (*irq)(void), void (*fiq)(void))
{
	take_irq = irq ? irq : gic_dispatch;
	take_fiq = fiq;
}

static noreturn void dump(u64 kind, const struct regs *regs, u64 esr)
{
	console_reset();
	print("\nnot ok - the guest took an unexpected exception\n");
	print("# vector %llu ESR 0x%llx FAR 0x%llx ELR 0x%llx SPSR 0x%llx\n", kind, esr,
	      mrs(far_el1), regs->elr, regs->spsr);
	for (size_t i = 0; i < ARRAY_SIZE(regs->x); i++)
		print("# x%-2u 0x%llx\n", (u32)i, regs->x[i]);
	print("Bail out! unexpected exception\n");
	psci_system_off();
}

/* Vectors 4..7 are "this level, its own stack": synchronous, IRQ, FIQ, SError. */
void exception(u64 kind, struct regs *regs)
{
	u64 esr = mrs(esr_el1);
	u32 ec = (u32)(esr >> 26) & 0x3f;

	if (kind == 5) {
		take_irq();
		return;
	}
	if (kind == 6 && take_fiq) {
		take_fiq();
		return;
	}
	if (!guarded || (kind != 4 && kind != 7))
		dump(kind, regs, esr);

	last.taken = true;
	last.ec = kind == 7 ? EC_SERROR : ec;
	last.fsc = esr & 0x3f;
	last.far = mrs(far_el1);
	if (kind == 7)
		return;
	if (ec == EC_INSN_ABORT_EL1)
		regs->elr = regs->x[30];
	else
		regs->elr += 4;
}
