/* SPDX-License-Identifier: MIT */
#ifndef VCPU_POWER_H
#define VCPU_POWER_H

#include "machine/base/compiler.h"
#include "machine/base/lock.h"
#include "machine/base/types.h"
#include "psci/psci.h"

/*
 * The power table: which CPUs of the machine are on. A CPU is on or off because
 * this table says so, whatever its thread is doing at the moment. Pure: it knows
 * no thread and no KVM; callers post to the vCPUs what it has decided.
 *
 *                      cpu_on, and --psci-inject wants to show it
 *               +--------------------------------> ON_PENDING
 *               |                                      | accept
 *               |     cpu_on (any caller; one wins)    v
 *   boot -->   OFF ----------------------------------> ON <--- boot (CPU 0)
 *               ^                                     |  ^
 *               +------- cpu_off, reset --------------+  | wake
 *               |                                     v  |
 *               +------- reset -------- SUSPENDED, ASLEEP
 *                                  cpu_suspend; system_suspend
 *
 * SUSPENDED (CPU_SUSPEND) and ASLEEP (SYSTEM_SUSPEND) are kinds of on: that is
 * what AFFINITY_INFO answers. A reset takes every state to ON (CPU 0) or OFF.
 */
enum power_state {
	POWER_ON, /* as AFFINITY_INFO numbers these three, DEN0022F.b 5.7.1 */
	POWER_OFF,
	POWER_ON_PENDING,
	POWER_SUSPENDED,
	POWER_ASLEEP,
	POWER_NR_STATES,
};

/* One change of state, told to the trace after it has been made. */
struct power_change {
	u64 seq; /* from 1, in the order in which they happened */
	u32 cpu;
	enum power_state from, to;
	const char *why; /* the event in the drawing, e.g. "cpu_on" */
};

struct power_ops {
	u64 (*now)(void *host); /* ns, monotonic, for the residency counters */
	/* Any thread, no lock held. */
	void (*changed)(void *host, const struct power_change *c);
};

struct power;

/**
 * power_create - the table of a machine: CPU 0 is ON, the others are OFF
 * @nr:    CPUs
 * @mpidr: affinity fields of each, copied
 * @ops:   kept
 * @host:  handed to @ops
 * @out:   released with power_destroy()
 *
 * Return: 0 or -ENOMEM.
 */
must_check int power_create(u32 nr, const u64 *mpidr, const struct power_ops *ops, void *host,
                            struct power **out);
void power_destroy(struct power *p); /* NULL is fine */

enum power_state power_state(struct power *p, u32 cpu);
const char *power_state_name(enum power_state s); /* "ON", ... */

/* Is there an edge in the drawing? For tests, and set_state()'s own check. */
bool power_edge(enum power_state from, enum power_state to);

/* Return: the CPU with these affinity fields, or -ENOENT. */
int power_cpu_of(const struct power *p, u64 mpidr);

/**
 * power_cpu_on - claim a CPU that is off; of any number of callers one wins
 * @mpidr:   its affinity fields
 * @entry:   copied when the claim succeeds
 * @pending: leave it ON_PENDING until power_accept()
 * @cpu:     set on success: post GATE_ON to it
 *
 * Return: 0; -ENOENT; -EALREADY; -EINPROGRESS (ON_PENDING); -EBUSY when the machine sleeps.
 */
must_check int power_cpu_on(struct power *p, u64 mpidr, const struct psci_entry *entry,
                            bool pending, u32 *cpu);

/* The target's thread has taken GATE_ON: what to start with. ON_PENDING becomes ON. */
void power_accept(struct power *p, u32 cpu, struct psci_entry *entry);

/* CPU_OFF, on the CPU's own thread. */
void power_cpu_off(struct power *p, u32 cpu);

/* CPU_SUSPEND and its end, on the CPU's own thread; counted for PSCI_STAT. @entry: NULL for standby. */
void power_suspend(struct power *p, u32 cpu, enum psci_cpu_state state,
                   const struct psci_entry *entry);

/**
 * power_wake - the CPU wakes from SUSPENDED or ASLEEP; its own thread
 * @entry: where it starts, when it does not just go on
 *
 * Return: true when it starts at @entry, false when its call returns.
 */
bool power_wake(struct power *p, u32 cpu, struct psci_entry *entry);

/**
 * power_sleep - SYSTEM_SUSPEND; every vCPU is held
 *
 * Return: 0, the machine sleeps: post GATE_SUSPEND to @cpu. -EPERM: another CPU is
 * not off, or @cpu is not ON itself (KVM's own PSCI has stopped it).
 */
must_check int power_sleep(struct power *p, u32 cpu, const struct psci_entry *entry);

/* The CPU that sleeps in SYSTEM_SUSPEND, -ENOENT: none. */
int power_asleep(struct power *p);

/* The machine starts again, every vCPU held: CPU 0 is ON, the others are OFF, counters zero. */
void power_reset(struct power *p);

/* What KVM's own PSCI did, seen with every vCPU held: @on says what its mp_state is. */
void power_observe(struct power *p, u32 cpu, bool on);

/* For psci_host_ops; see there. */
int power_affinity_info(struct power *p, u64 mpidr, u64 mask);
int power_hw_state(struct power *p, u64 mpidr);
u32 power_nr_on(struct power *p);
/* CPU_OFF and SYSTEM_SUSPEND count as power-downs too (5.22.2), each when it ends; not the OFF from the start. */
int power_stat(struct power *p, u64 mpidr, enum psci_cpu_state state, u64 *residency_us,
               u64 *count);

#endif /* VCPU_POWER_H */
