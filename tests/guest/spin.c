/* SPDX-License-Identifier: MIT */
/* Prints "spinning" and never ends: how=wfi sleeps, how=off turns its CPU off, else it runs. */
#include "guest.h"

static void spin(u32 cpu)
{
	for (;;)
		__asm__ volatile("yield");
}

void guest_main(void)
{
	for (u32 cpu = 1; cpu < cpu_count(); cpu++)
		(void)cpu_on(cpu, spin);
	print("spinning\n");
	if (bootarg_is("how", "off"))
		(void)cpu_off();
	for (;;) {
		if (bootarg_is("how", "wfi"))
			wfi();
	}
}
