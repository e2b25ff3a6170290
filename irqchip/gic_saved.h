/* SPDX-License-Identifier: MIT */
#ifndef IRQCHIP_GIC_SAVED_H
#define IRQCHIP_GIC_SAVED_H

#include <linux/types.h>

/*
 * A GICv2 at rest, in a file or on the wire to another host. Little-endian. A
 * new layout is a new version; what is reserved is zero.
 */
enum {
	GIC_SAVED_MAGIC = 0x43494752, /* "RGIC" */
	GIC_SAVED_VERSION = 1,

	/* gic_saved_irq.flags */
	GIC_SAVED_ENABLED = 1 << 0,
	GIC_SAVED_LATCH = 1 << 1, /* pending, by an edge or by GICD_ISPENDR */
	GIC_SAVED_LINE = 1 << 2, /* its wire is high */
	GIC_SAVED_ACTIVE = 1 << 3,
	GIC_SAVED_EDGE = 1 << 4, /* edge-triggered */
	GIC_SAVED_GROUP1 = 1 << 5,
	GIC_SAVED_FLAGS = (1 << 6) - 1,
};

struct gic_saved_irq {
	__u8 flags;
	__u8 priority; /* the five upper bits */
	__u8 targets; /* CPUs, for an SPI */
	__u8 source; /* CPUs that an SGI is pending from */
};

struct gic_saved_cpu {
	__le32 ctlr; /* GICC_CTLR */
	__le32 pmr;
	__le32 bpr;
	__le32 abpr;
	__le32 apr; /* GICC_APR0 */
	struct gic_saved_irq irq[32]; /* SGIs and PPIs */
};

struct gic_saved {
	__le32 magic;
	__le32 version;
	__le32 nr_cpus; /* what is above it is zero */
	__le32 nr_irqs; /* likewise */
	__le32 ctlr; /* GICD_CTLR */
	__le32 reserved[3];
	struct gic_saved_cpu cpu[8];
	struct gic_saved_irq spi[1020 - 32];
};

#endif /* IRQCHIP_GIC_SAVED_H */
