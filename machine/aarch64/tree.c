/* SPDX-License-Identifier: MIT */
/*
 * The device tree of an arm64 machine. Bindings are named relative to the
 * kernel's Documentation/devicetree/bindings.
 */
#include <errno.h>
#include <stdio.h>

#include "machine/aarch64/tree.h"
#include "machine/base/log.h"
#include "machine/layout.h"
#include "psci/psci.h"

enum { APB_CLOCK_HZ = 24000000, GICV2_CPUS_MAX = 8 };

/*
 * What CPU_SUSPEND offers, the lightest first, as a cpuidle governor wants them.
 * The times are a host's that takes a few microseconds for an exit, and some
 * tens to put a thread to sleep and wake it: a guest with no better use for its
 * CPU gives it back soon, and one that waits for the next packet does not pay
 * for it. Power-down adds ten registers that are written, and the guest's own
 * save and restore.
 */
static const struct idle_state {
	const char *node;
	u32 entry_us, exit_us, residency_us;
} idle_states[PSCI_NR_CPU_STATES] = {
	[PSCI_STANDBY] = { "cpu-standby", 10, 40, 100 },
	[PSCI_POWER_DOWN] = { "cpu-power-down", 20, 80, 500 },
};

static bool is_gicv3(const struct tree *t)
{
	return t->gic == TREE_GICV3 || t->gic == TREE_GICV3_ITS;
}

static bool has_msi(const struct tree *t)
{
	return t->gic == TREE_GICV2M || t->gic == TREE_GICV3_ITS;
}

static const char *msi_node(const struct tree *t)
{
	return t->gic == TREE_GICV2M ? "v2m" : "msi-controller";
}

static gpa_t msi_base(const struct tree *t)
{
	return t->gic == TREE_GICV2M ? LAYOUT_GICV2M : layout_its(t->nr_cpus);
}

static bool has_primecell(const struct tree *t)
{
	for (size_t i = 0; i < t->nr_devs; i++)
		if (t->devs[i].primecell)
			return true;
	return false;
}

/* One cell triple for a private interrupt. GICv2 wants to know which CPUs have it. */
static void ppi(const struct tree *t, u32 intid, u32 trigger, u32 cells[3])
{
	enum { INTID_FIRST_PPI = 16, CPU_MASK_SHIFT = 8 };
	u32 cpus = is_gicv3(t) ? 0 : (1u << t->nr_cpus) - 1;

	cells[0] = DT_GIC_PPI;
	cells[1] = intid - INTID_FIRST_PPI;
	cells[2] = cpus << CPU_MASK_SHIFT | trigger;
}

/* dt-schema: aliases.yaml */
static void aliases(struct dt *d, const struct tree *t)
{
	dt_node(d, "aliases");
	for (size_t i = 0; i < t->nr_devs; i++)
		if (t->devs[i].label)
			dt_path(d, t->devs[i].label, "", t->devs[i].node, t->devs[i].base);
	dt_close(d);
}

static bool has_idle_state(const struct tree *t, u32 i)
{
	return i == PSCI_STANDBY ? t->idle_standby : t->idle_power_down;
}

/*
 * cpu/idle-states.yaml. There is no local-timer-stop, not even in power-down: a
 * CPU's timers are KVM's, and roost carries them over the reset of the registers
 * that ends it, so that they go on counting, raise their interrupts and wake it.
 * The timer node says the same with always-on. A guest that was told otherwise
 * would look for a broadcast timer, and there is none.
 */
static void cpu_idle_states(struct dt *d, const struct tree *t)
{
	const struct psci_config psci = {
		.version = t->psci_version,
		.extended_state_id = t->psci_extended_state_id,
	};

	if (!t->idle_standby && !t->idle_power_down)
		return;
	dt_node(d, "idle-states");
	dt_string(d, "entry-method", "psci");
	for (u32 i = 0; i < PSCI_NR_CPU_STATES; i++) {
		const struct idle_state *s = &idle_states[i];

		if (!has_idle_state(t, i))
			continue;
		dt_node(d, s->node);
		dt_string(d, "compatible", "arm,idle-state");
		dt_u32(d, "arm,psci-suspend-param", psci_power_state(&psci, i));
		dt_u32(d, "entry-latency-us", s->entry_us);
		dt_u32(d, "exit-latency-us", s->exit_us);
		dt_u32(d, "min-residency-us", s->residency_us);
		dt_u32(d, "phandle", FDT_PHANDLE_IDLE0 + i);
		dt_close(d);
	}
	dt_close(d);
}

/* Return: how many there are; their phandles are in @cells. */
static size_t idle_phandles(const struct tree *t, u32 cells[PSCI_NR_CPU_STATES])
{
	size_t n = 0;

	for (u32 i = 0; i < PSCI_NR_CPU_STATES; i++)
		if (has_idle_state(t, i))
			cells[n++] = FDT_PHANDLE_IDLE0 + i;
	return n;
}

/* arm/cpus.yaml. One cell for reg holds Aff2..Aff0, and there is no Aff3. */
static void cpus(struct dt *d, const struct tree *t)
{
	u32 idle[PSCI_NR_CPU_STATES];
	size_t nr_idle = idle_phandles(t, idle);

	dt_node(d, "cpus");
	dt_u32(d, "#address-cells", 1);
	dt_u32(d, "#size-cells", 0);
	for (u32 i = 0; i < t->nr_cpus; i++) {
		dt_node_at(d, "cpu", layout_mpidr(i));
		dt_string(d, "device_type", "cpu");
		dt_string(d, "compatible", t->cpu_compatible ? t->cpu_compatible : "arm,arm-v8");
		dt_u32(d, "reg", lo32(layout_mpidr(i)));
		dt_string(d, "enable-method", "psci");
		if (nr_idle)
			dt_cells(d, "cpu-idle-states", idle, nr_idle);
		dt_u32(d, "phandle", FDT_PHANDLE_CPU0 + i);
		dt_close(d);
	}
	cpu_idle_states(d, t);
	dt_close(d);
}

/* arm/psci.yaml */
static void psci(struct dt *d, const struct tree *t)
{
	static const char v1_0[] = "arm,psci-1.0\0arm,psci-0.2";

	dt_node(d, "psci");
	if (t->psci_version >= PSCI_1_0)
		dt_bytes(d, "compatible", v1_0, sizeof(v1_0));
	else
		dt_string(d, "compatible", "arm,psci-0.2");
	dt_string(d, "method", "hvc");
	dt_close(d);
}

/* timer/arm,arch_timer.yaml: secure, non-secure, virtual, hypervisor. */
static void timer(struct dt *d, const struct tree *t)
{
	static const u32 intids[] = { LAYOUT_INTID_SEC_TIMER, LAYOUT_INTID_PHYS_TIMER,
		                      LAYOUT_INTID_VIRT_TIMER, LAYOUT_INTID_HYP_TIMER };
	u32 cells[3 * ARRAY_SIZE(intids)];

	for (size_t i = 0; i < ARRAY_SIZE(intids); i++)
		ppi(t, intids[i], DT_IRQ_LEVEL_LOW, &cells[3 * i]);

	dt_node(d, "timer");
	dt_string(d, "compatible", "arm,armv8-timer");
	dt_cells(d, "interrupts", cells, ARRAY_SIZE(cells));
	dt_empty(d, "always-on");
	dt_close(d);
}

/* arm/pmu.yaml */
static void pmu(struct dt *d, const struct tree *t)
{
	u32 cells[3];

	ppi(t, LAYOUT_INTID_PMU, DT_IRQ_LEVEL_HIGH, cells);
	dt_node(d, "pmu");
	dt_string(d, "compatible", "arm,armv8-pmuv3");
	dt_cells(d, "interrupts", cells, ARRAY_SIZE(cells));
	dt_close(d);
}

/* interrupt-controller/arm,gic.yaml, v2m, and arm,gic-v3.yaml, msi-controller */
static void msi(struct dt *d, const struct tree *t)
{
	const u64 reg[] = { msi_base(t),
		            t->gic == TREE_GICV2M ? LAYOUT_GICV2M_SIZE : LAYOUT_GICV3_ITS_SIZE };

	dt_node_at(d, msi_node(t), reg[0]);
	dt_reg(d, reg, ARRAY_SIZE(reg));
	if (t->gic == TREE_GICV2M) {
		dt_string(d, "compatible", "arm,gic-v2m-frame");
		dt_u32(d, "arm,msi-base-spi", t->gicv2m_first_spi);
		dt_u32(d, "arm,msi-num-spis", t->gicv2m_nr_spis);
	} else {
		dt_string(d, "compatible", "arm,gic-v3-its");
		dt_u32(d, "#msi-cells", 1);
	}
	dt_empty(d, "msi-controller");
	dt_u32(d, "phandle", FDT_PHANDLE_MSI);
	dt_close(d);
}

/* interrupt-controller/arm,gic.yaml and arm,gic-v3.yaml */
static void gic(struct dt *d, const struct tree *t)
{
	const u64 v2[] = { LAYOUT_GICD, LAYOUT_GICD_SIZE, LAYOUT_GICC, LAYOUT_GICC_SIZE };
	const u64 v3[] = { LAYOUT_GICD, LAYOUT_GICD_SIZE, layout_gicr(t->nr_cpus),
		           t->nr_cpus * LAYOUT_GICR_SIZE };

	dt_node_at(d, "interrupt-controller", LAYOUT_GICD);
	dt_string(d, "compatible", is_gicv3(t) ? "arm,gic-v3" : "arm,cortex-a15-gic");
	dt_reg(d, is_gicv3(t) ? v3 : v2, ARRAY_SIZE(v3));
	dt_empty(d, "interrupt-controller");
	dt_u32(d, "#interrupt-cells", 3);
	dt_u32(d, "#address-cells", 2);
	dt_u32(d, "#size-cells", 2);
	dt_empty(d, "ranges");
	dt_u32(d, "phandle", FDT_PHANDLE_GIC);
	if (has_msi(t))
		msi(d, t);
	dt_close(d);
}

/* clock/fixed-clock.yaml: what arm/primecell.yaml asks for. */
static void apb_clock(struct dt *d)
{
	dt_node(d, "apb-pclk");
	dt_string(d, "compatible", "fixed-clock");
	dt_u32(d, "#clock-cells", 0);
	dt_u32(d, "clock-frequency", APB_CLOCK_HZ);
	dt_string(d, "clock-output-names", "apb_pclk");
	dt_u32(d, "phandle", FDT_PHANDLE_APB_CLOCK);
	dt_close(d);
}

/* What an overlay may refer to. Each of these nodes has a phandle, or it could not. */
static void symbols(struct dt *d, const struct tree *t)
{
	static const char gic_node[] = "interrupt-controller";
	char label[16], parent[64];

	dt_node(d, "__symbols__");
	for (u32 i = 0; i < t->nr_cpus; i++) {
		(void)snprintf(label, sizeof(label), "cpu%u", i);
		dt_path(d, label, "/cpus", "cpu", layout_mpidr(i));
	}
	dt_path(d, "gic", "", gic_node, LAYOUT_GICD);
	(void)snprintf(parent, sizeof(parent), "/%s@%llx", gic_node, LAYOUT_GICD);
	if (has_msi(t))
		dt_path(d, "msi", parent, msi_node(t), msi_base(t));
	if (has_primecell(t))
		dt_string(d, "apb_pclk", "/apb-pclk");
	for (size_t i = 0; i < t->nr_devs; i++)
		if (t->devs[i].label)
			dt_path(d, t->devs[i].label, "", t->devs[i].node, t->devs[i].base);
	dt_close(d);
}

/* GICv2 has a bit for each CPU, GICv3 the map's room between itself and the devices. */
static int check_cpus(const struct tree *t)
{
	u64 end = 0, need = t->nr_cpus * LAYOUT_GICR_SIZE;

	if (!is_gicv3(t)) {
		if (t->nr_cpus > GICV2_CPUS_MAX)
			return log_refuse(-EINVAL, "%u CPUs: a GICv2 has at most 8", t->nr_cpus);
		return 0;
	}
	for (size_t i = 0; i < t->nr_devs; i++)
		if (t->devs[i].base + t->devs[i].size > end)
			end = t->devs[i].base + t->devs[i].size;
	if (t->gic == TREE_GICV3_ITS)
		need += LAYOUT_GICV3_ITS_SIZE;
	if (end + need > LAYOUT_GICD)
		return log_refuse(-EINVAL, "%u CPUs: the map has no room for their redistributors",
		                  t->nr_cpus);
	return 0;
}

int tree_build(const struct tree *t, void *buf, size_t size)
{
	struct dt d;
	int err = check_cpus(t);

	if (err < 0)
		return err;
	dt_start(&d, buf, size);
	dt_u32(&d, "#address-cells", 2);
	dt_u32(&d, "#size-cells", 2);
	dt_u32(&d, "interrupt-parent", FDT_PHANDLE_GIC);
	dt_string(&d, "compatible", "linux,dummy-virt");
	dt_string(&d, "model", "roost");
	aliases(&d, t);
	dt_boot(&d, &t->boot);
	cpus(&d, t);
	psci(&d, t);
	timer(&d, t);
	if (t->pmu)
		pmu(&d, t);
	gic(&d, t);
	if (has_primecell(t))
		apb_clock(&d);
	for (size_t i = 0; i < t->nr_devs; i++)
		dt_device(&d, &t->devs[i], t->symbols ? FDT_PHANDLE_DEV0 + (u32)i : 0);
	if (t->symbols)
		symbols(&d, t);
	return dt_end(&d);
}
