/* SPDX-License-Identifier: MIT */
/* GICv2 (IHI 0048B.b) and GICv3 (IHI 0069), whichever the device tree has. */
#ifndef GUEST_GIC_H
#define GUEST_GIC_H

#include "fdt.h"
#include "types.h"

#define GIC_MAX_IRQ 1020

typedef void (*gic_handler)(u32 intid);

/** gic_init - find the controller, set it and the boot CPU's side up. Return: false: none */
bool gic_init(void);

/** gic_cpu_init - set up the side of the calling CPU */
void gic_cpu_init(void);

/** gic_version - 2, 3, or 0 before gic_init() */
u32 gic_version(void);

/**
 * gic_enable - let an interrupt through, to this CPU
 * @irq: number and trigger
 * @fn:  called by gic_dispatch() between acknowledge and end of interrupt
 */
void gic_enable(const struct fdt_irq *irq, gic_handler fn);
void gic_disable(u32 intid);

/** gic_disorder - make an interrupt pending and active, by hand, with another priority */
void gic_disorder(u32 intid);

/** gic_pending - GICD_ISPENDR (or GICR_ISPENDR0) of one interrupt */
bool gic_pending(u32 intid);

/** gic_send_sgi - raise SGI @sgi (0..15) on CPU number @cpu */
void gic_send_sgi(u32 cpu, u32 sgi);

/** gic_dispatch - take one interrupt; called by the IRQ vector */
void gic_dispatch(void);

#endif
