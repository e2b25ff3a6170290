/* SPDX-License-Identifier: MIT */
/* Calls of the SMC Calling Convention (DEN0028E), with all registers in view. */
#ifndef GUEST_SMCCC_H
#define GUEST_SMCCC_H

#include "types.h"

#define SMCCC_VERSION       0x80000000u
#define SMCCC_ARCH_FEATURES 0x80000001u
#define SMCCC_WORKAROUND_1  0x80008000u
#define SMCCC_WORKAROUND_2  0x80007fffu
#define SMCCC_WORKAROUND_3  0x80003fffu
#define TRNG_VERSION        0x84000050u
#define TRNG_RND64          0xc4000053u
#define PV_TIME_FEATURES    0xc5000020u
#define PV_TIME_ST          0xc5000021u

/* X0..X29, before a call and after it. */
struct smccc {
	u64 x[30];
};

void smccc_hvc(struct smccc *r);
void smccc_smc(struct smccc *r);

/*
 * A call that gives an entry point away and comes back there; offsets are known
 * to smccc.S.
 */
struct sleep {
	u64 arg[4]; /* X0..X3 of the call */
	u64 saved[12];
	u64 sp;
	u64 tpidr;
	u64 current_el, spsel, daif, sctlr; /* as found at the entry point */
	u64 woke; /* it came by the entry point */
};

/**
 * sleep_call - make the call in @s
 *
 * Registers are kept whichever way it comes back; interrupts are masked if it comes
 * by the entry point.
 *
 * Return: what the call returned; 0 when it came by the entry point: see @s->woke.
 */
s64 sleep_call(struct sleep *s);
void sleep_entry(void);

/** sleep_state_is_right - as a CPU has to start: EL1h, all masked, MMU and caches off */
bool sleep_state_is_right(const struct sleep *s);

#endif
