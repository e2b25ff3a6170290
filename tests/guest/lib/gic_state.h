/* SPDX-License-Identifier: MIT */
/* All registers of the interrupt controller as one number each, to see whether they changed. */
#ifndef GUEST_GIC_STATE_H
#define GUEST_GIC_STATE_H

#include "types.h"

#define HASH_START 0xcbf29ce484222325ull

/** hash - the next value into a sum of many (FNV-1a, 64 bits at a time) */
static inline u64 hash(u64 sum, u64 value)
{
	return (sum ^ value) * 0x100000001b3ull;
}

/* None of these needs gic_init(), and none changes anything. */

/** gic_config - distributor: enables, groups, priorities, triggers, targets */
u64 gic_config(void);

/** gic_activity - distributor: what is pending, what is active */
u64 gic_activity(void);

/** gic_redists - all redistributors, activity included; GICv3 only */
u64 gic_redists(void);

/** gic_cpu - the CPU interface of the caller */
u64 gic_cpu(void);

/** gic_its - translation service, if there is one */
u64 gic_its(void);

#endif
