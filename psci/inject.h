/* SPDX-License-Identifier: MIT */
#ifndef PSCI_INJECT_H
#define PSCI_INJECT_H

#include <stdatomic.h>

#include "machine/base/compiler.h"
#include "machine/base/types.h"

/*
 * Faults for a kernel's error paths: chosen calls are refused, delayed, or leave
 * their target ON_PENDING for a while. --psci-inject SPEC, where SPEC is
 *
 *   FUNCTION[@CPU][#FIRST[-LAST]]=WHAT
 *
 *   FUNCTION  as psci_fn_name() has it, e.g. CPU_ON
 *   @CPU      only calls of that CPU (its index, decimal); without: of any
 *   #F-L      only the F-th to the L-th of the calls that match so far, from 1;
 *             #F alone is one call; without: all
 *   WHAT      a code (DENIED, INTERNAL_FAILURE, ...): the call answers it and does nothing
 *             delay:MS    the call is carried out MS milliseconds later (1..1000)
 *             pending:MS  CPU_ON only: its target is ON_PENDING for MS milliseconds (1..10000)
 */
enum psci_inject_kind {
	PSCI_INJECT_NOTHING,
	PSCI_INJECT_CODE,
	PSCI_INJECT_DELAY,
	PSCI_INJECT_PENDING,
};

struct psci_inject_rule {
	u32 fn; /* enum psci_fn */
	bool any_cpu;
	u32 cpu;
	u32 first, last; /* from 1; last 0: without end */
	enum psci_inject_kind kind;
	s64 code;
	u32 ms;
};

enum { PSCI_INJECT_MAX = 16 };

struct psci_inject {
	u32 nr;
	struct psci_inject_rule rule[PSCI_INJECT_MAX];
	atomic_uint seen[PSCI_INJECT_MAX]; /* calls that matched so far, while that matters */
};

/**
 * psci_inject_parse - one SPEC
 * @spec: see above
 * @out:  the rule
 * @why:  set on failure: what is wrong with it, for a message
 *
 * Return: 0 or -EINVAL.
 */
must_check int psci_inject_parse(const char *spec, struct psci_inject_rule *out, const char **why);

/**
 * psci_inject_next - what is to happen to this call
 * @in:  its counters move; any thread
 * @fid: function ID
 * @cpu: the caller
 *
 * The first rule that matches counts; a call that two rules match is counted by both.
 *
 * Return: a rule, or NULL when the call is left alone.
 */
const struct psci_inject_rule *psci_inject_next(struct psci_inject *in, u32 fid, u32 cpu);

#endif /* PSCI_INJECT_H */
