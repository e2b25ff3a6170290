/* SPDX-License-Identifier: MIT */
#ifndef IRQCHIP_GIC_H
#define IRQCHIP_GIC_H

#include "irqchip/gic_saved.h"
#include "irqchip/hwirq.h"
#include "machine/base/compiler.h"
#include "machine/base/types.h"

/*
 * A GICv2 without the Security Extensions: ARM IHI 0048B.b. State and rules
 * only: no KVM, no threads, no addresses. Whoever shares one between threads
 * takes a lock around each call (irqchip/gic_user.h).
 *
 * What the architecture leaves open:
 *   - five bits of priority (32 levels, GICC_BPR from 2, GICC_ABPR from 3)
 *   - of several pending interrupts with the same priority the lowest ID is
 *     first; of several senders of an SGI the lowest CPU
 *   - SGIs are always enabled; SGIs are edge-triggered and PPIs level-sensitive,
 *     and neither can be changed; SPIs are level-sensitive until GICD_ICFGR says else
 *   - all interrupts are in group 0 after a reset
 *   - interrupts of a group that GICD_CTLR disables do not take part in the
 *     choice of the highest priority
 *   - with one CPU GICD_ITARGETSR is RAZ/WI, and all SPIs go to that CPU
 *   - there is no interrupt bypass: those bits of GICC_CTLR are RAZ/WI
 *   - one active-priorities register (GICC_APR0) for both groups; GICC_NSAPR is
 *     for the Security Extensions, RAZ/WI
 *   - GICC_EOIR ends interrupts of either group, whatever AckCtl says; GICC_AEOIR
 *     those of group 1 only. The priority drops also when the interrupt is not
 *     active (GICD_ICACTIVER was faster). GICC_DIR with EOImode 0 is ignored
 *   - GICC_HPPIR and GICC_AHPPIR do not look at GICC_PMR and the running priority
 *   - GICD_ISACTIVER takes SGIs too
 *   - accesses that the architecture has no register or width for are RAZ/WI
 */
struct gic;

enum {
	GIC_CPUS_MAX = 8,
	GIC_NR_SGIS = 16,
	GIC_NR_PRIVATE = 32, /* SGIs and PPIs, one bank for each CPU */
	GIC_INTIDS_MAX = 1020, /* 1020..1023 are no interrupts */
	GIC_SPURIOUS = 1023,
	GIC_SPURIOUS_GROUP1 = 1022, /* a group 1 interrupt, and it was not asked for */

	GICD_SIZE = 0x1000, /* bytes of registers */
	GICC_SIZE = 0x2000,
};

/* What a CPU's interface drives: at most one of the two is asserted. */
enum {
	GIC_OUT_IRQ = 1,
	GIC_OUT_FIQ = 2,
};

struct gic_config {
	u32 nr_cpus; /* 1..GIC_CPUS_MAX */
	u32 nr_irqs; /* a multiple of 32, 32..1024; IDs from GIC_INTIDS_MAX on do not exist */
};

/**
 * gic_create - a GIC after its reset, with all wires low
 * @cfg: copied
 * @out: owned by the caller, released with gic_destroy()
 *
 * Return: 0, -EINVAL for numbers out of range, -ENOMEM.
 */
must_check int gic_create(const struct gic_config *cfg, struct gic **out);
void gic_destroy(struct gic *g);

/* Every register as gic_create() left it. Wires keep their levels, and maps stay. */
void gic_reset(struct gic *g);

/**
 * gic_set_line - the level of an interrupt's wire
 * @g:     any
 * @cpu:   whose PPI it is; for an SPI it does not matter
 * @intid: a PPI or SPI; anything else is ignored
 * @level: a rising edge makes an edge-triggered interrupt pending
 *
 * For a mapped interrupt it also tells that the physical interrupt was taken and
 * is active (true), or that its cause is gone (false).
 */
void gic_set_line(struct gic *g, u32 cpu, u32 intid, bool level);

/**
 * gicd_read, gicd_write, gicc_read, gicc_write - what CPU @cpu does to the registers
 * @g:      any
 * @cpu:    below nr_cpus; it chooses the bank
 * @offset: bytes into the distributor or the CPU interface; any value
 * @width:  1, 2, 4 or 8 bytes
 *
 * Reading GICC_IAR and GICC_AIAR acknowledges. Never fails: what is not there,
 * or does not take that width, is RAZ/WI.
 */
u64 gicd_read(struct gic *g, u32 cpu, u32 offset, u32 width);
void gicd_write(struct gic *g, u32 cpu, u32 offset, u32 width, u64 value);
u64 gicc_read(struct gic *g, u32 cpu, u32 offset, u32 width);
void gicc_write(struct gic *g, u32 cpu, u32 offset, u32 width, u64 value);

/*
 * gicd_write() from the host's side (a debugger): what it does to pending and
 * active state reaches unmapped interrupts only.
 */
void gicd_poke(struct gic *g, u32 cpu, u32 offset, u32 width, u64 value);

/* GIC_OUT_* of a CPU. */
u32 gic_output(const struct gic *g, u32 cpu);

/*
 * An enabled interrupt is pending for a CPU on which none is active, whatever its
 * interface lets through: what wakes a CPU that has turned its interface off on
 * the way into a power state.
 */
bool gic_wakes(const struct gic *g, u32 cpu);

/* The CPUs, as bits, of which either has changed since the last call; it may have changed back. */
u32 gic_take_changed(struct gic *g);

/**
 * gic_map - an interrupt stands for a physical one
 * @g:     any
 * @cpu:   whose PPI it is; for an SPI it does not matter
 * @intid: a PPI or SPI
 * @ops:   kept; NULL: it stands for itself again
 * @ctx:   handed to @ops
 *
 * The physical side counts as inactive when it is mapped; that of one which was
 * mapped before is deactivated first. From then on:
 *
 *                        virtual             physical
 *   gic_set_line(true)   line                is active (the host took it)
 *   gic_set_line(false)  line                deactivated, unless the interrupt is still
 *                                            pending or active
 *   GICD_ISPENDR         pending latch set   activated
 *   GICD_ICPENDR         pending latch off   not pending; deactivated, unless the
 *                                            interrupt is active
 *   GICD_ISACTIVER       active              activated
 *   GICD_ICACTIVER       not active          deactivated
 *   GICC_EOIR, GICC_DIR  not active, if it   deactivated, if the interrupt was active
 *   that deactivate      was
 *   GICC_IAR             active              nothing
 *   GICD_I[SC]ENABLER    as usual            nothing
 *   GICD_ICFGR           as usual            deactivated, when the interrupt is neither
 *                                            pending nor active after it
 *   gicd_poke()          as usual, but for   as usual for GICD_ICFGR, else nothing
 *                        I[SC]PENDR and
 *                        I[SC]ACTIVER, which
 *                        do nothing
 *   gic_reset()          as after a reset,   deactivated, when the interrupt is neither
 *                        but for the line    pending (its wire is low) nor active after it
 *   gic_load()           as loaded, but for  deactivated, when the interrupt is neither
 *                        the line            pending nor active after it
 *
 * "Activated" and "deactivated" are one call of ops->set_active() when the
 * physical side is not in that state yet, else none: so it is never deactivated
 * while it is inactive. Whenever a mapped interrupt is neither pending nor
 * active, its physical side is inactive, or it could never be taken again. When
 * the physical side is deactivated, the wire's level is asked for anew
 * (ops->line_level()), where an edge-triggered interrupt only believes that it is
 * low; where it is still high, the host takes the interrupt once more and says so
 * with gic_set_line().
 */
void gic_map(struct gic *g, u32 cpu, u32 intid, const struct hwirq_ops *ops, void *ctx);

/**
 * gic_save - all of its state
 * @out: filled in completely; little-endian whatever the host is
 *
 * Which interrupts are mapped is not a part of it.
 */
void gic_save(const struct gic *g, struct gic_saved *out);

/**
 * gic_load - become what was saved
 * @g:     of the same configuration
 * @saved: may come from anywhere: it is checked
 *
 * Wires have the levels they had then; those of mapped interrupts, which are the
 * physical ones', keep theirs. What that means to a physical side is in the table
 * at gic_map().
 *
 * Return: 0; -EINVAL, and nothing has changed, for another version or
 * configuration, or a state that no GIC can be in.
 */
must_check int gic_load(struct gic *g, const struct gic_saved *saved);

#endif /* IRQCHIP_GIC_H */
