/* SPDX-License-Identifier: MIT */
/*
 * Asks to sleep while all other CPUs run, again and again: each time all of them are held,
 * the answer is DENIED, and they are let go. roost's own trace has the times.
 */
#include "guest.h"

#define ROUNDS 64

static volatile u32 spinning;

static void spin(u32 cpu)
{
	__atomic_add_fetch(&spinning, 1, __ATOMIC_SEQ_CST);
	for (;;)
		__asm__ volatile("yield");
}

void guest_main(void)
{
	u32 others = cpu_count() - 1;

	for (u32 cpu = 1; cpu <= others; cpu++)
		(void)cpu_on(cpu, spin);
	while (spinning != others)
		__asm__ volatile("yield");
	for (u32 i = 0; i < ROUNDS; i++)
		(void)psci_call(PSCI_SYSTEM_SUSPEND, RAM_BASE, 0, 0);
	psci_system_off();
}
