/* SPDX-License-Identifier: MIT */
#ifndef IRQCHIP_VGIC_PRIVATE_H
#define IRQCHIP_VGIC_PRIVATE_H

/* What vgic.c, how it is made and wired, and vgic_reset.c have in common. */

#include "irqchip/vgic.h"

/*
 * Groups and attributes as arm-vgic*.rst names them. The kernel's
 * own header for them is asm/kvm.h, which only arm64 has, and these files build
 * everywhere.
 */
enum {
	GRP_ADDR = 0, /* KVM_DEV_ARM_VGIC_GRP_ADDR */
	GRP_DIST_REGS = 1,
	GRP_CPU_REGS = 2, /* VGIC_V2 */
	GRP_NR_IRQS = 3,
	GRP_CTRL = 4,
	GRP_REDIST_REGS = 5, /* VGIC_V3*, with the two behind it */
	GRP_CPU_SYSREGS = 6,
	GRP_LEVEL_INFO = 7,
	GRP_ITS_REGS = 8, /* on the ITS's own descriptor */
	CTRL_INIT = 0,
	CTRL_ITS_RESET = 4,

	CPU_SHIFT = 32, /* where a register's attribute has the CPU: MPIDR, or its number with v2 */

	IRQ_TYPE_SPI = 1, /* KVM_IRQ_LINE's irq_type, api.rst 4.25 */
	IRQ_TYPE_SHIFT = 24,

	FIRST_SPI = 32,
	NR_SPIS_MAX = 960, /* 992 interrupts are the most that KVM takes */
};

/* The edge to KVM, so that a reset can be tested without; see machine/base/kvm.h. */
struct vgic_kvm_ops {
	int (*set)(int fd, u32 group, u64 attr, const void *val);
	int (*get)(int fd, u32 group, u64 attr, void *val);
	int (*call)(int fd, unsigned long req, void *arg);
};

extern const struct vgic_kvm_ops vgic_kvm;

struct vgic {
	const struct vgic_kvm_ops *kvm;
	int vm_fd;
	int fd, its_fd;
	struct vgic_config cfg;
	int irqfd[NR_SPIS_MAX]; /* by SPI, -1: none */
};

/* Connect the irqfd of an SPI, counted from 0, to it, or take it off (KVM_IRQFD_FLAG_DEASSIGN). */
must_check int vgic_irqfd(const struct vgic *g, u32 spi, u32 flags);

#endif /* IRQCHIP_VGIC_PRIVATE_H */
