/* SPDX-License-Identifier: MIT */
#include "guest.h"

/* Not in .bss, which start.S clears; it stores here afterwards. */
struct boot_state boot_state __attribute__((section(".data")));
struct uart_reset uart_reset[4];

/*
 * RAM of QEMU's machine "virt", where it leaves the device tree of a guest that is no
 * Linux image. X0 is 0 then.
 */
#define VIRT_RAM_BASE 0x40000000ull

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

static bool find_tree(void)
{
	u64 dtb = boot_state.x[0] ? boot_state.x[0] : VIRT_RAM_BASE;

	return fdt_set((const void *)(unsigned long)dtb);
}

/* UART0 as long as nothing says that this is another machine. */
static void find_console(void)
{
	struct fdt_node n;
	u64 base;
	u64 size;
	bool have_8250 = fdt_find("ns16550a", 0, &n);

	if (!have_8250 && fdt_find("arm,pl011", 0, &n) && fdt_reg(&n, 0, &base, &size)) {
		console_set_pl011(base);
		return;
	}
	note_uarts();
	console_set_uart(UART0_BASE);
	if (have_8250 && fdt_reg(&n, 0, &base, &size) && base != UART0_BASE)
		console_set_uart(base);
}

void guest_start(void)
{
	u64 base = RAM_BASE;
	u64 size;
	bool tree;

	msr(tpidr_el1, 0);
	tree = find_tree();
	find_console();
	if (!tree) {
		check(false, "X0, 0x%llx, points to a device tree", boot_state.x[0]);
		tap_done();
	}
	size = fdt_memory(&base);
	mmu_add_ram(base + size - RAM_BASE);
	guest_main();
	psci_system_off();
}
