/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_AARCH64_TREE_H
#define MACHINE_AARCH64_TREE_H

#include "machine/fdt.h"

/* The interrupt controllers a tree can describe. */
enum tree_gic {
	TREE_GICV2,
	TREE_GICV2M, /* GICv2 and an MSI frame */
	TREE_GICV3,
	TREE_GICV3_ITS,
};

/* Everything a tree depends on. No KVM: --dump-dtb works anywhere. */
struct tree {
	u32 nr_cpus;
	const char *cpu_compatible; /* NULL: "arm,arm-v8" */
	enum tree_gic gic;
	u32 gicv2m_first_spi, gicv2m_nr_spis; /* interrupt IDs, TREE_GICV2M only */
	bool pmu;
	u32 psci_version; /* what PSCI_VERSION answers */
	bool psci_extended_state_id; /* the format of power_state that CPU_SUSPEND takes */
	bool idle_standby, idle_power_down; /* idle states on offer, for CPU_SUSPEND */
	const struct device_desc *devs;
	size_t nr_devs;
	bool symbols; /* write /__symbols__, for overlays */
	struct fdt_boot boot;
};

/**
 * tree_build - write the device tree of an arm64 machine
 * @t:    what is in it
 * @buf:  where the blob goes
 * @size: bytes there
 *
 * The bindings are the kernel's Documentation/devicetree/bindings; each node
 * names its own.
 *
 * Return: the blob's size in bytes, or a negative errno with the reason logged.
 */
must_check int tree_build(const struct tree *t, void *buf, size_t size);

#endif /* MACHINE_AARCH64_TREE_H */
