/* SPDX-License-Identifier: MIT */
/* What the counters said at the first instruction. */
#include "guest.h"

void guest_main(void)
{
	print("first_cntpct %llu\n", boot_state.cntpct);
	print("first_cntvct %llu\n", boot_state.cntvct);
	print("ticks_per_second %llu\n", ticks_per_s());
}
