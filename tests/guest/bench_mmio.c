/* SPDX-License-Identifier: MIT */
/*
 * A read of a device register, there and back: ticks of the counter for 1000 of them.
 *
 * Arguments: at=ADDRESS, decimal (the UART's SCR).
 */
#include "guest.h"

#define N 1000

void guest_main(void)
{
	u64 at = bootarg_u64("at", UART0_BASE + UART_SCR);
	u64 best = ~0ull;

	for (u32 round = 0; round < 3; round++) {
		u64 start = ticks();
		u64 t;

		for (u32 i = 0; i < N; i++)
			(void)r8(at);
		t = ticks() - start;
		best = MIN(best, t);
	}
	print("mmio_exit %llu\n", best);
	print("ticks_per_second %llu\n", ticks_per_s());
}
