/* SPDX-License-Identifier: MIT */
/*
 * Loses control of the CPU for good: the exception vectors are where nothing is, so that
 * every exception takes the next one.
 *
 * Argument: how=jump (to where nothing is), else by an undefined instruction.
 */
#include "guest.h"

void guest_main(void)
{
	void (*nowhere)(void) = (void (*)(void))(unsigned long)MMU_ALIAS_NC(0x20000000);

	print("crashing\n");
	msr(vbar_el1, MMU_ALIAS_NC(0x20000000));
	isb();
	if (bootarg_is("how", "jump"))
		nowhere();
	__asm__ volatile("udf #0");
}
