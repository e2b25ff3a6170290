/* SPDX-License-Identifier: MIT */
#include "guest.h"

/* Not in .bss, which start.S clears; it stores here afterwards. */
struct boot_state boot_state __attribute__((section(".data")));
struct uart_reset uart_reset[4];

static void note_uarts(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(uart_reset); i++) {
		u64 base = UART0_BASE + i * 0x1000;

		uart_reset[i] = (struct uart_reset){
			.ier = r8(base + UART_IER),
			.iir = r8(base + UART_IIR),
			.lcr = r8(base + UART_LCR),
			.mcr = r8(base + UART_MCR),
			.lsr = r8(base + UART_LSR),
			.msr = r8(base + UART_MSR),
			.scr = r8(base + UART_SCR),
		};
	}
}

void guest_start(void)
{
	struct fdt_node n;
	u64 base;
	u64 size;

	msr(tpidr_el1, 0);
	note_uarts();
	console_set_uart(UART0_BASE);
	if (!fdt_set((const void *)(unsigned long)boot_state.x[0])) {
		check(false, "X0, 0x%llx, points to a device tree", boot_state.x[0]);
		tap_done();
	}
	mmu_add_ram(fdt_memory(&base));
	if (fdt_find("ns16550a", 0, &n) && fdt_reg(&n, 0, &base, &size) && base != UART0_BASE)
		console_set_uart(base);
	guest_main();
	psci_system_off();
}
