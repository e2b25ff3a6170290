/* SPDX-License-Identifier: MIT */
/*
 * The state at the first instruction (Documentation/arch/arm64/booting.rst), the
 * device tree, and the map and interrupt numbers of the machine.
 *
 * Arguments: expect.mem=BYTES, expect.cpus=N, expect.irqchip=gicv3|gicv3-its|gicv2|gicv2m,
 * expect.pmu=1, expect.virtio=N (virtio-mmio nodes).
 */
#include "guest.h"

#define DTB_ALIGN MIB(2)
#define DIST_BASE 0x3fff0000ull

static void check_registers(void)
{
	const struct boot_state *b = &boot_state;

	for (u32 i = 1; i < 4; i++)
		check(b->x[i] == 0, "X%u is 0 at the first instruction", i);
	check(b->current_el >> 2 == 1, "the first instruction runs at EL1");
	check(b->spsel == 1, "the stack pointer in use is SP_EL1");
	check((b->daif & 0x3c0) == 0x3c0, "debug, SError, IRQ and FIQ are masked");
	check((b->sctlr & 1) == 0, "the MMU is off");
	check((b->sctlr & 4) == 0, "the data cache is off");
	check((mrs(mpidr_el1) & 0xff00ffffffull) == 0, "the boot CPU has affinity 0");
	check(ticks_per_s() != 0, "CNTFRQ_EL0 is set");
}

static void check_dtb_place(void)
{
	u64 base = 0;
	u64 ram = fdt_memory(&base);
	u64 dtb = boot_state.x[0];
	u64 limit = RAM_BASE + MIN(ram, MIB(256));
	u64 expected = bootarg_u64("expect.mem", 0);

	check(base == RAM_BASE, "RAM starts at 0x80000000");
	if (expected)
		check(ram == expected, "/memory has %llu bytes, as -m says", expected);
	check(dtb % DTB_ALIGN == 0, "the device tree is aligned to 2 MiB");
	check(dtb >= RAM_BASE && dtb + fdt_total_size() <= limit,
	      "the device tree lies in RAM, in its first 256 MiB");
	check(dtb + DTB_ALIGN >= limit, "the device tree is in the last 2 MiB of those");
	check(fdt_total_size() > 64 && fdt_total_size() <= DTB_ALIGN,
	      "the device tree's size fits 2 MiB");
}

static bool is_text(const struct fdt_node *n, const char *name)
{
	u32 len = 0;
	const char *s = fdt_prop(n, name, &len);

	return s && len > 1 && s[len - 1] == '\0';
}

static bool not_all_zero(const struct fdt_node *n, const char *name, u32 at_least)
{
	u32 len = 0;
	const u8 *s = fdt_prop(n, name, &len);
	u8 any = 0;

	for (u32 i = 0; s && i < len; i++)
		any |= s[i];
	return s && len >= at_least && any;
}

static void check_chosen(void)
{
	struct fdt_node n;

	if (!check(fdt_find_name("chosen", &n), "there is a node /chosen"))
		return;
	check(is_text(&n, "stdout-path"), "/chosen has a stdout-path");
	check(is_text(&n, "bootargs"), "/chosen has bootargs");
	check(not_all_zero(&n, "kaslr-seed", 8), "/chosen has a kaslr-seed that is not zero");
	check(not_all_zero(&n, "rng-seed", 32), "/chosen has a rng-seed of 32 bytes or more");
}

static void check_place(const char *what, const char *compatible, u32 nth, u64 want, u64 max)
{
	struct fdt_node n;
	u64 base = 0;
	u64 size = 0;

	if (!fdt_find(compatible, nth, &n) || !fdt_reg(&n, 0, &base, &size)) {
		check(false, "%s is in the device tree", what);
		return;
	}
	check(base == want && size && size <= max, "%s is at 0x%llx (0x%llx, 0x%llx bytes)", what,
	      want, base, size);
}

/* The four UARTs may stand in the tree in any order. */
static void check_uarts(void)
{
	struct fdt_node n;
	u64 base;
	u64 size;
	u32 seen = 0;

	for (u32 i = 0; fdt_find("ns16550a", i, &n); i++) {
		if (fdt_reg(&n, 0, &base, &size) && base >= UART0_BASE &&
		    (base - UART0_BASE) % 0x1000 == 0 && size <= 0x1000)
			seen |= 1u << ((base - UART0_BASE) / 0x1000);
	}
	check(seen == 0xf, "UARTs 0 to 3 are at 0x1000000 + n * 0x1000 (mask 0x%x)", seen);
}

static void check_gic(void)
{
	struct fdt_node n;
	u64 base = 0;
	u64 size = 0;
	u64 span = cpu_count() * 0x20000ull;
	bool v3 = fdt_find("arm,gic-v3", 0, &n);

	if (!v3 && !fdt_find("arm,cortex-a15-gic", 0, &n)) {
		check(false, "there is a GIC in the device tree");
		return;
	}
	check(fdt_reg(&n, 0, &base, &size) && base == DIST_BASE && size == 0x10000,
	      "the distributor is at 0x3fff0000, 64 KiB");
	check(fdt_prop(&n, "interrupt-controller", NULL) && fdt_u32(&n, "#interrupt-cells", 0) == 3,
	      "the GIC is an interrupt controller of three cells");
	if (v3)
		check(fdt_reg(&n, 1, &base, &size) && base == DIST_BASE - span && size == span,
		      "the redistributors are right below it, 128 KiB a CPU");
	else
		check(fdt_reg(&n, 1, &base, &size) && base == 0x3ffd0000,
		      "the CPU interface is at 0x3ffd0000");
	if (bootarg_is("expect.irqchip", "gicv3-its"))
		check_place("the ITS", "arm,gic-v3-its", 0, DIST_BASE - span - 0x20000, 0x20000);
	if (bootarg_is("expect.irqchip", "gicv2m"))
		check_place("the GICv2m frame", "arm,gic-v2m-frame", 0, 0x3ffcf000, 0x1000);
}

static void check_ppis(void)
{
	static const u32 timer[] = { 29, 30, 27, 26 };
	struct fdt_irq irq = { .intid = 0 };
	struct fdt_node n;

	if (check(fdt_find("arm,armv8-timer", 0, &n), "there is a timer node")) {
		for (u32 i = 0; i < ARRAY_SIZE(timer); i++)
			check(fdt_irq(&n, i, &irq) && irq.intid == timer[i] && irq.flags == 8,
			      "timer interrupt %u is INTID %u, level low", i, timer[i]);
	}
	if (bootarg_u64("expect.pmu", 0))
		check(fdt_find("arm,armv8-pmuv3", 0, &n) && fdt_irq(&n, 0, &irq) && irq.intid == 23,
		      "the PMU has INTID 23");
}

/* Every SPI of the tree once, from 32 up without a gap. */
static void check_spis(void)
{
	u64 seen[16] = { 0 };
	struct fdt_node n;
	struct fdt_irq irq;
	bool twice = false;
	u32 count = 0;
	u32 highest = 31;

	for (n = fdt_first(); fdt_next(&n);) {
		for (u32 i = 0; fdt_irq(&n, i, &irq) && irq.intid < 1020; i++) {
			if (irq.intid < 32)
				continue;
			twice |= seen[irq.intid / 64] >> irq.intid % 64 & 1;
			seen[irq.intid / 64] |= BIT(irq.intid % 64);
			highest = irq.intid > highest ? irq.intid : highest;
			count++;
		}
	}
	check(count && !twice, "every device has an SPI of its own");
	check(highest - 31 == count, "SPIs are given out from 32 up (%u, highest %u)", count,
	      highest);
}

static void check_virtio(void)
{
	u64 expected = bootarg_u64("expect.virtio", 0);
	struct fdt_node n;
	u64 base;
	u64 size;
	u64 seen = 0;
	u32 i;

	for (i = 0; fdt_find("virtio,mmio", i, &n); i++) {
		if (fdt_reg(&n, 0, &base, &size) && size == 0x200 && base % 0x200 == 0 &&
		    base >= 0x03000000)
			seen |= BIT((base - 0x03000000) / 0x200 % 64);
	}
	check(i == expected, "%llu virtio-mmio devices are in the device tree (%u)", expected, i);
	check(seen == BIT(i) - 1, "they are at 0x3000000 + n * 0x200 without a gap");
}

static void check_cpus(void)
{
	u64 expected = bootarg_u64("expect.cpus", 0);
	struct fdt_node n;
	u32 by_psci = 0;

	if (expected)
		check(cpu_count() == expected, "/cpus has %llu CPUs, as -c says", expected);
	check(cpu_mpidr(0) == (mrs(mpidr_el1) & 0xff00ffffffull),
	      "the first cpu node's reg is the boot CPU's affinity");
	for (n = fdt_first(); fdt_next(&n);) {
		if (strcmp(fdt_str(&n, "device_type"), "cpu") == 0)
			by_psci += strcmp(fdt_str(&n, "enable-method"), "psci") == 0;
	}
	check(by_psci == cpu_count(), "every cpu node is enabled by psci");
	check((fdt_find("arm,psci-1.0", 0, &n) || fdt_find("arm,psci-0.2", 0, &n)) &&
	              strcmp(fdt_str(&n, "method"), "hvc") == 0,
	      "the psci node's method is hvc");
}

void guest_main(void)
{
	check_registers();
	check_dtb_place();
	check_chosen();
	check_uarts();
	check_place("the RTC", "arm,pl031", 0, 0x01010000, 0x1000);
	check_gic();
	check_ppis();
	check_spis();
	check_virtio();
	check_cpus();
	tap_done();
}
