/* SPDX-License-Identifier: MIT */
#ifndef GUEST_EXCEPTION_H
#define GUEST_EXCEPTION_H

#include "types.h"

/* Registers at an exception; the layout is known to start.S. */
struct regs {
	u64 x[31];
	u64 elr;
	u64 spsr;
	u64 sp;
	u64 pad[2];
};

/* What a guarded access ran into. */
struct fault {
	bool taken;
	u32 ec; /* ESR_EL1.EC */
	u32 fsc; /* ESR_EL1 fault status code */
	u64 far;
};

#define EC_UNKNOWN        0x00
#define EC_INSN_ABORT_EL1 0x21
#define EC_DATA_ABORT_EL1 0x25
#define EC_SERROR         0x2f /* of our own: an SError came */
#define FSC_EXTERNAL      0x10
#define FSC_EXTERNAL_WALK 0x14 /* 0x14..0x17 by level */
#define FSC_ALIGNMENT     0x21

/**
 * fault_guard - from now on survive a synchronous exception of this CPU
 *
 * The faulting instruction is stepped over; a faulting instruction fetch returns
 * to the caller (X30). Nothing else is undone.
 */
void fault_guard(void);

/**
 * fault_end - faults are fatal again
 *
 * Return: the last fault taken since fault_guard(), with taken == false when none was.
 */
struct fault fault_end(void);

/**
 * exception_set_interrupts - who takes this guest's IRQs and FIQs
 * @irq: NULL: gic_dispatch()
 * @fiq: NULL: nobody, an FIQ is fatal
 */
void exception_set_interrupts(void (*irq)(void), void (*fiq)(void));

/**
 * exception - called by the vectors
 * @kind: number of the vector, 0..15
 * @regs: registers, put back on return
 */
void exception(u64 kind, struct regs *regs);

#endif
