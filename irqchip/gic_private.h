/* SPDX-License-Identifier: MIT */
#ifndef IRQCHIP_GIC_PRIVATE_H
#define IRQCHIP_GIC_PRIVATE_H

/* What gic.c, the state and its rules, and its views gicd.c, gicc.c, gic_saved.c have in common. */

#include "irqchip/gic.h"

enum {
	/* GICD_CTLR and GICC_CTLR */
	CTLR_ENABLE_GRP0 = 1 << 0,
	CTLR_ENABLE_GRP1 = 1 << 1,
	/* GICC_CTLR */
	CTLR_ACKCTL = 1 << 2, /* GICC_IAR acknowledges group 1 too */
	CTLR_FIQEN = 1 << 3, /* group 0 is signalled as FIQ */
	CTLR_CBPR = 1 << 4, /* GICC_BPR is for both groups */
	CTLR_EOIMODE = 1 << 9, /* GICC_EOIR drops the priority, GICC_DIR deactivates */
	GICD_CTLR_MASK = CTLR_ENABLE_GRP0 | CTLR_ENABLE_GRP1,
	GICC_CTLR_MASK = GICD_CTLR_MASK | CTLR_ACKCTL | CTLR_FIQEN | CTLR_CBPR | CTLR_EOIMODE,

	PRIORITY_SHIFT = 3, /* five bits are there */
	PRIORITY_MASK = 0xff & ~((1 << PRIORITY_SHIFT) - 1),
	NR_PRIORITIES = 1 << (8 - PRIORITY_SHIFT),
	PRIORITY_IDLE = 0xff, /* of GICC_RPR, when nothing is active */
	BPR_MIN = 2, /* a group is one priority then */
	ABPR_MIN = BPR_MIN + 1,
	BPR_MAX = 7,
};

/* One interrupt, or one CPU's bank of it. */
struct gic_irq {
	u16 intid;
	u8 owner; /* the CPU, of a private one */
	u8 priority;
	u8 targets; /* CPUs, as GICD_ITARGETSR has them; SPIs only */
	u8 source; /* CPUs that an SGI is pending from */
	u8 queued; /* CPUs in whose queue it is; queue_for()'s */
	bool enabled : 1;
	bool latch : 1; /* pending, whatever the wire says */
	bool line : 1; /* the wire's level */
	bool active : 1;
	bool edge : 1; /* edge-triggered */
	bool group1 : 1;
	bool phys_active : 1; /* mapped: the physical side is active */
	const struct hwirq_ops *hw; /* NULL: it stands for itself */
	void *hw_ctx;
};

/*
 * The interrupts of one group that a CPU could take now: by priority, then by
 * ID, found with three times "lowest bit set".
 */
struct gic_queue {
	u32 priorities; /* which have any */
	u32 words[NR_PRIORITIES]; /* by priority: which words of @ids are not 0 */
	u32 ids[NR_PRIORITIES][32]; /* by priority: interrupt IDs */
};

struct gic_cpu {
	struct gic *gic;
	u32 index;
	u32 ctlr, pmr, bpr, abpr; /* GICC_* */
	u32 apr; /* GICC_APR0: a bit for each priority that is active */
	u32 out; /* GIC_OUT_*, and */
	bool wakes; /* gic_wakes(), as gic_update_cpu() found them */
	struct gic_queue queue[2]; /* by group */
	struct gic_irq irq[GIC_NR_PRIVATE];
};

struct gic {
	u32 nr_cpus;
	u32 nr_ids; /* interrupts are 0..nr_ids-1 */
	u32 it_lines; /* GICD_TYPER.ITLinesNumber */
	u32 ctlr; /* GICD_CTLR */
	u32 changed; /* CPUs, for gic_take_changed() */
	struct gic_cpu cpu[GIC_CPUS_MAX];
	struct gic_irq spi[GIC_INTIDS_MAX - GIC_NR_PRIVATE];
};

/* Which a CPU means with an ID, or NULL: there is none. */
static inline struct gic_irq *gic_irq_of(struct gic *g, u32 cpu, u32 intid)
{
	if (intid >= g->nr_ids)
		return NULL;
	return intid < GIC_NR_PRIVATE ? &g->cpu[cpu].irq[intid] : &g->spi[intid - GIC_NR_PRIVATE];
}

static inline bool gic_is_sgi(const struct gic_irq *irq)
{
	return irq->intid < GIC_NR_SGIS;
}

static inline bool gic_is_spi(const struct gic_irq *irq)
{
	return irq->intid >= GIC_NR_PRIVATE;
}

/* The bit of GICD_CTLR and GICC_CTLR that enables its group. */
static inline u32 gic_group_enable(const struct gic_irq *irq)
{
	return irq->group1 ? CTLR_ENABLE_GRP1 : CTLR_ENABLE_GRP0;
}

static inline u32 gic_all_cpus(const struct gic *g)
{
	return (1u << g->nr_cpus) - 1;
}

/* IHI 0048B.b 4.3.7, "Control of the pending status of level-sensitive interrupts" */
static inline bool gic_is_pending(const struct gic_irq *irq)
{
	return irq->latch || irq->source || (irq->line && !irq->edge);
}

/* After a change of what an interrupt is: queues, outputs, and the physical side follow. */
void gic_update(struct gic *g, struct gic_irq *irq);
/* Before a change of its priority or group; gic_update() after it. */
void gic_dequeue(struct gic *g, struct gic_irq *irq);

/* After a change of what a CPU's interface lets through: its output follows. */
void gic_update_cpu(struct gic *g, struct gic_cpu *c);

/**
 * gic_highest - the highest-priority pending interrupt of a CPU
 *
 * IHI 0048B.b, HighestPriorityPendingInterrupt() of chapter 3: of those that the
 * distributor forwards, whether the CPU interface lets it through or not.
 *
 * Return: NULL when there is none.
 */
struct gic_irq *gic_highest(struct gic *g, const struct gic_cpu *c);

/* It, if the CPU interface signals it to the CPU: group, mask and running priority let it through. */
struct gic_irq *gic_signalled(struct gic *g, const struct gic_cpu *c);

/* GICC_RPR: the priority that runs, PRIORITY_IDLE for none. */
u32 gic_running_priority(const struct gic_cpu *c);

/* What reading GICC_IAR does to the signalled interrupt. Return: the CPU an SGI comes from. */
u32 gic_acknowledge(struct gic *g, struct gic_cpu *c, struct gic_irq *irq);
/* The lowest of the CPUs that an SGI is pending from, 0 for other interrupts. */
u32 gic_source(const struct gic_irq *irq);

void gic_set_active(struct gic *g, struct gic_irq *irq);
/* @irq need not be active; see the table at gic_map(). */
void gic_clear_active(struct gic *g, struct gic_irq *irq);
void gic_set_pending(struct gic *g, struct gic_irq *irq);
void gic_clear_pending(struct gic *g, struct gic_irq *irq);

#endif /* IRQCHIP_GIC_PRIVATE_H */
