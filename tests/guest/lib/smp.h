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

/**
 * cpu_on_as - CPU_ON with a record of the caller's
 * @as: of fn, cpu and stack, which may be cpu_stack(); fn gets @as->cpu, whatever it says
 */
s32 cpu_on_as(u32 cpu, struct cpu_start *as);
u64 cpu_stack(u32 cpu);

/** cpu_off - PSCI CPU_OFF of the caller; returns only when refused */
s32 cpu_off(void);

/** cpu_affinity_info - AFFINITY_INFO of one CPU */
s32 cpu_affinity_info(u32 cpu);

/** cpu_wait_off - wait up to five seconds until AFFINITY_INFO says OFF. Return: it does */
bool cpu_wait_off(u32 cpu);

/** wait_value - wait up to five seconds until *@v is @want. Return: it is */
bool wait_value(const volatile u32 *v, u32 want);

/** secondary_start - the entry point that cpu_on() gives away */
void secondary_start(void);

void spin_lock(struct spinlock *l);
void spin_unlock(struct spinlock *l);

#endif
