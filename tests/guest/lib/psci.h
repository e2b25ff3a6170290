/* SPDX-License-Identifier: MIT */
/* Calls of DEN0022F.b, by HVC or SMC as the device tree says. */
#ifndef GUEST_PSCI_H
#define GUEST_PSCI_H

#include "types.h"

#define PSCI_VERSION                 0x84000000u
#define PSCI_CPU_SUSPEND             0xc4000001u
#define PSCI_CPU_OFF                 0x84000002u
#define PSCI_CPU_ON                  0xc4000003u
#define PSCI_AFFINITY_INFO           0xc4000004u
#define PSCI_MIGRATE                 0xc4000005u
#define PSCI_MIGRATE_INFO_TYPE       0x84000006u
#define PSCI_MIGRATE_INFO_UP_CPU     0xc4000007u
#define PSCI_SYSTEM_OFF              0x84000008u
#define PSCI_SYSTEM_RESET            0x84000009u
#define PSCI_FEATURES                0x8400000au
#define PSCI_CPU_FREEZE              0x8400000bu
#define PSCI_CPU_DEFAULT_SUSPEND     0xc400000cu
#define PSCI_NODE_HW_STATE           0xc400000du
#define PSCI_SYSTEM_SUSPEND          0xc400000eu
#define PSCI_SET_SUSPEND_MODE        0x8400000fu
#define PSCI_STAT_RESIDENCY          0xc4000010u
#define PSCI_STAT_COUNT              0xc4000011u
#define PSCI_SYSTEM_RESET2           0xc4000012u
#define PSCI_MEM_PROTECT             0x84000013u
#define PSCI_MEM_PROTECT_CHECK_RANGE 0xc4000014u
#define PSCI_SYSTEM_OFF2             0xc4000015u

#define PSCI_32(fid) ((fid) & ~0x40000000u) /* the same function, by the 32-bit convention */

#define PSCI_SUCCESS          0
#define PSCI_NOT_SUPPORTED    (-1)
#define PSCI_INVALID_PARAMS   (-2)
#define PSCI_DENIED           (-3)
#define PSCI_ALREADY_ON       (-4)
#define PSCI_ON_PENDING       (-5)
#define PSCI_INTERNAL_FAILURE (-6)
#define PSCI_NOT_PRESENT      (-7)
#define PSCI_DISABLED         (-8)
#define PSCI_INVALID_ADDRESS  (-9)

/* What AFFINITY_INFO answers. */
#define AFFINITY_ON         0
#define AFFINITY_OFF        1
#define AFFINITY_ON_PENDING 2

/** psci_call - any function. Return: X0 as a signed 32-bit number */
s32 psci_call(u32 fid, u64 a1, u64 a2, u64 a3);

noreturn void psci_system_off(void);
noreturn void psci_system_reset(void);

#endif
