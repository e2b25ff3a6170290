/* SPDX-License-Identifier: MIT */
/* Calls of DEN0022F.b, by HVC or SMC as the device tree says. */
#ifndef GUEST_PSCI_H
#define GUEST_PSCI_H

#include "types.h"

#define PSCI_VERSION       0x84000000u
#define PSCI_CPU_OFF       0x84000002u
#define PSCI_CPU_ON        0xc4000003u
#define PSCI_AFFINITY_INFO 0xc4000004u
#define PSCI_SYSTEM_OFF    0x84000008u
#define PSCI_SYSTEM_RESET  0x84000009u
#define PSCI_FEATURES      0x8400000au

#define PSCI_SUCCESS        0
#define PSCI_NOT_SUPPORTED  (-1)
#define PSCI_INVALID_PARAMS (-2)
#define PSCI_DENIED         (-3)
#define PSCI_ALREADY_ON     (-4)
#define PSCI_ON_PENDING     (-5)

/** psci_call - any function. Return: X0 as a signed 32-bit number */
s32 psci_call(u32 fid, u64 a1, u64 a2, u64 a3);

noreturn void psci_system_off(void);
noreturn void psci_system_reset(void);

#endif
