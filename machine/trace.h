/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_TRACE_H
#define MACHINE_TRACE_H

#include "machine/base/compiler.h"
#include "vcpu/power.h"
#include "vcpu/vcpu.h"

/*
 * --trace-power: what happened to the power of the machine, one JSON object a line,
 * each written with one write(2) so that lines of several threads do not mix. The
 * fields are in roost(1). Not on a hot path: power events are rare.
 */
struct trace;

/**
 * trace_open - create or truncate the file
 * @path: kept, for messages; "-" is no special case. Nothing ever waits for the
 *        reader of a pipe: without one it is refused, and a slow one ends the trace
 * @out:  released with trace_close()
 *
 * Return: 0, or a negative errno with the reason logged.
 */
must_check int trace_open(const char *path, struct trace **out);
void trace_close(struct trace *t); /* NULL is fine */

/* The first line: who answers the guest's PSCI calls, @user: roost. */
void trace_start(struct trace *t, bool user);

/*
 * Any thread. A @t of NULL is fine and does nothing. A write that fails is logged
 * once, and the trace ends there.
 */
void trace_call(struct trace *t, u32 cpu, const struct vcpu_psci_call *c);
void trace_change(struct trace *t, const struct power_change *c);

/* A system-wide decision: who asked, what came of it, how many vCPUs were held and how long. */
struct trace_decision {
	u32 cpu; /* who asked */
	enum psci_system_kind kind;
	const char *result; /* "granted", "DENIED", "exit", "reboot", "pause" */
	u32 held; /* vCPUs */
	u64 hold_ns; /* from the first request until all were out of the guest */
	u64 held_ns; /* from then until they were let go, 0: they were not */
};
void trace_decision(struct trace *t, const struct trace_decision *d);

/* The machine woke from SYSTEM_SUSPEND: "interrupt", "console", "SIGUSR1". */
void trace_wake(struct trace *t, u32 cpu, const char *by);

#endif /* MACHINE_TRACE_H */
