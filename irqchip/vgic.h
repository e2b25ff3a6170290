/* SPDX-License-Identifier: MIT */
#ifndef IRQCHIP_VGIC_H
#define IRQCHIP_VGIC_H

#include "devices/irq_line.h"
#include "machine/base/compiler.h"
#include "machine/base/types.h"

/*
 * The interrupt controller in the kernel: KVM's GICv2 or GICv3, with or without
 * an ITS. Documentation/virt/kvm/devices/arm-vgic.rst, arm-vgic-v3.rst,
 * arm-vgic-its.rst.
 */
struct vgic;

enum vgic_kind {
	VGIC_V2,
	VGIC_V3,
	VGIC_V3_ITS,
};

struct vgic_config {
	enum vgic_kind kind;
	u32 nr_cpus;
	u32 nr_spis; /* with the 32 private interrupts a multiple of 32, 64..992 */
	gpa_t gicd; /* distributor */
	gpa_t gicc; /* VGIC_V2: CPU interface */
	gpa_t gicr; /* VGIC_V3*: first redistributor, one behind the other */
	gpa_t its; /* VGIC_V3_ITS */
};

/* Can this host's KVM make one for the VM? Makes nothing. */
bool vgic_supported(int vm_fd, enum vgic_kind kind);

/* The most vCPUs that such a controller serves, whatever KVM_CAP_MAX_VCPUS says. */
u32 vgic_max_cpus(enum vgic_kind kind);

/**
 * vgic_create - KVM_CREATE_DEVICE; before or after the vCPUs
 * @vm_fd: kept, not owned
 * @cfg:   copied
 * @out:   owned by the caller, released with vgic_destroy()
 * @what:  set on failure: which step it was, for the message
 *
 * Return: 0 or a negative errno.
 */
must_check int vgic_create(int vm_fd, const struct vgic_config *cfg, struct vgic **out,
                           const char **what);

/* Addresses and KVM_DEV_ARM_VGIC_CTRL_INIT: every vCPU is there and initialised, none has run. */
must_check int vgic_init(struct vgic *g, const char **what);
void vgic_destroy(struct vgic *g);

/* Wires for level interrupts: KVM_IRQ_LINE; for what changes rarely. */
struct irq_line vgic_level_line(struct vgic *g, u32 intid);

/**
 * vgic_edge_line - a wire for an edge interrupt: an irqfd
 * @g:     initialised
 * @intid: an SPI
 * @out:   owned by @g
 *
 * Return: 0 or a negative errno from eventfd() or KVM_IRQFD.
 */
must_check int vgic_edge_line(struct vgic *g, u32 intid, struct irq_line *out);

/**
 * vgic_reset - every register, and what is behind them, as vgic_init() left it
 * @g:    initialised, and the devices on its wires are reset
 * @what: set on failure: which register or call it was, for the message
 *
 * No vCPU is in an ioctl, KVM_RUN least of all. An edge that is on its way
 * through an irqfd arrives before the reset or never.
 *
 * KVM_ARM_VCPU_INIT does a part, so a vCPU gets it after this and before it runs
 * again: the inputs of the private interrupts that KVM raises itself (timers,
 * PMU), and the active state of those that are tied to a physical one, which no
 * register write reaches.
 *
 * Return: 0; -EBUSY when a vCPU is in an ioctl; or a negative errno.
 */
must_check int vgic_reset(struct vgic *g, const char **what);

#endif /* IRQCHIP_VGIC_H */
