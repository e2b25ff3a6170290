/* SPDX-License-Identifier: MIT */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H

#include "types.h"

#define SMP_MAX_CPUS 64

typedef void (*cpu_fn)(u32 cpu);

/* What a CPU found at its first instruction; offsets are known to start.S. */
struct cpu_start {
	cpu_fn fn;
	u64 stack;
	u64 current_el;
	u64 spsel;
	u64 daif;
	u64 sctlr;
	u64 mpidr;
	u32 cpu;
	u32 starts; /* how many times it came up */
};

struct spinlock {
	u32 held;
};

/** cpu_count - /cpus of the device tree, at most SMP_MAX_CPUS */
u32 cpu_count(void);

/** cpu_mpidr - "reg" of CPU number @cpu, in the order of the tree */
u64 cpu_mpidr(u32 cpu);

/** cpu_self - number of the calling CPU */
u32 cpu_self(void);

/** cpu_record - what @cpu found when it last came up */
const volatile struct cpu_start *cpu_record(u32 cpu);

/**
 * cpu_on - PSCI CPU_ON
 * @cpu: number of the CPU; its stack and record are given away
 * @fn:  runs there with the MMU on; when it returns the CPU waits for ever
 *
 * Return: the PSCI code.
 */
s32 cpu_on(u32 cpu, cpu_fn fn);

/* cpu_on() in two steps, for many that turn on the same CPU. */
void cpu_prepare(u32 cpu, cpu_fn fn);
s32 cpu_on_prepared(u32 cpu);

/** cpu_off - PSCI CPU_OFF of the caller; returns only when refused */
s32 cpu_off(void);

void spin_lock(struct spinlock *l);
void spin_unlock(struct spinlock *l);

#endif
