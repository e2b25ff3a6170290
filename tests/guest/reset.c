/* SPDX-License-Identifier: MIT */
/* Prints a word and asks for a reset. */
#include "guest.h"

void guest_main(void)
{
	print("resetting\n");
	psci_system_reset();
}
