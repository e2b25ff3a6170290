/* SPDX-License-Identifier: MIT */
/* Hibernates: SYSTEM_OFF2, DEN0022F.b 5.11. Argument: type=N (1), 32=1 for the 32-bit form. */
#include "guest.h"

void guest_main(void)
{
	u32 fid = bootarg_u64("32", 0) ? PSCI_32(PSCI_SYSTEM_OFF2) : PSCI_SYSTEM_OFF2;

	print("hibernating\n");
	print("not hibernated: %d\n", psci_call(fid, bootarg_u64("type", 1), 0, 0));
	psci_system_reset();
}
