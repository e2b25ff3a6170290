/* SPDX-License-Identifier: MIT */
/* Everything a guest uses, and what it supplies: guest_main(). */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include "blk.h"
#include "console.h"
#include "exception.h"
#include "fdt.h"
#include "gic.h"
#include "gic_state.h"
#include "io.h"
#include "mmu.h"
#include "psci.h"
#include "smccc.h"
#include "smp.h"
#include "str.h"
#include "tap.h"
#include "timer.h"
#include "types.h"

/* What the monitor handed over; offsets are known to start.S. */
struct boot_state {
	u64 x[4];
	u64 cntpct; /* the very first instruction */
	u64 cntvct;
	u64 current_el;
	u64 spsel;
	u64 daif;
	u64 sctlr;
};

extern struct boot_state boot_state;

/* Registers of UART n before anybody touched them. */
struct uart_reset {
	u8 ier, iir, lcr, mcr, lsr, msr, scr;
};

extern struct uart_reset uart_reset[4];

/**
 * guest_main - the guest itself: one CPU, MMU on, interrupts masked, console ready
 *
 * The machine is powered off when it returns.
 */
void guest_main(void);

/** guest_start - called by start.S */
void guest_start(void);

#endif
