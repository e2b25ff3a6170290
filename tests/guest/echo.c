/* SPDX-License-Identifier: MIT */
/*
 * Prints "ready", sends back what comes in by UART until a 'q', then powers off. A break
 * is shown as "[break]".
 */
#include "guest.h"

void guest_main(void)
{
	u8 c = 0;

	print("ready\n");
	while (c != 'q') {
		u8 lsr = r8(UART0_BASE + UART_LSR);

		if (!(lsr & LSR_DR)) {
			__asm__ volatile("yield");
			continue;
		}
		c = r8(UART0_BASE + UART_RBR);
		if (lsr & LSR_BI)
			print("[break]");
		else
			console_write((const char *)&c, 1);
	}
	print("\nbye\n");
}
