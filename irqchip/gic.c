/* SPDX-License-Identifier: MIT */
/*
 * The state of the interrupts and what follows from it. The registers are views
 * of it: gicd.c, gicc.c. Sections are those of ARM IHI 0048B.b.
 */
#include <errno.h>
#include <stdlib.h>

#include "irqchip/gic_private.h"
#include "machine/base/bits.h"

enum { IRQS_MAX = 1024 };

/* 3.3.2: the part of a priority that decides about preemption. */
static u32 group_mask(const struct gic_cpu *c, bool group1)
{
	u32 low = group1 && !(c->ctlr & CTLR_CBPR) ? c->abpr : c->bpr + 1;

	return 0xffu << low & 0xff;
}

u32 gic_running_priority(const struct gic_cpu *c)
{
	return c->apr ? lowest_bit(c->apr) << PRIORITY_SHIFT : PRIORITY_IDLE;
}

static struct gic_irq *first(struct gic *g, const struct gic_cpu *c, bool group1)
{
	const struct gic_queue *q = &c->queue[group1];
	u32 priority, word;

	if (!q->priorities)
		return NULL;
	priority = lowest_bit(q->priorities);
	word = lowest_bit(q->words[priority]);
	return gic_irq_of(g, c->index, 32 * word + lowest_bit(q->ids[priority][word]));
}

/* Of two in different groups. */
static bool before(const struct gic_irq *a, const struct gic_irq *b)
{
	return a->priority < b->priority || (a->priority == b->priority && a->intid < b->intid);
}

struct gic_irq *gic_highest(struct gic *g, const struct gic_cpu *c)
{
	struct gic_irq *a = g->ctlr & CTLR_ENABLE_GRP0 ? first(g, c, false) : NULL;
	struct gic_irq *b = g->ctlr & CTLR_ENABLE_GRP1 ? first(g, c, true) : NULL;

	if (!a || !b)
		return a ? a : b;
	return before(a, b) ? a : b;
}

/* @irq: its highest, or NULL. Return: it, if the CPU interface lets it through, or NULL. */
static struct gic_irq *let_through(const struct gic_cpu *c, struct gic_irq *irq)
{
	if (!irq || !(c->ctlr & gic_group_enable(irq)))
		return NULL;
	if (irq->priority >= c->pmr)
		return NULL;
	if (c->apr && irq->priority >= (gic_running_priority(c) & group_mask(c, irq->group1)))
		return NULL;
	return irq;
}

struct gic_irq *gic_signalled(struct gic *g, const struct gic_cpu *c)
{
	return let_through(c, gic_highest(g, c));
}

/* 2.3.1: what the CPU's IRQ and FIQ inputs are when this is signalled, or NULL. */
static u32 inputs(const struct gic_cpu *c, const struct gic_irq *irq)
{
	if (!irq)
		return 0;
	return !irq->group1 && (c->ctlr & CTLR_FIQEN) ? GIC_OUT_FIQ : GIC_OUT_IRQ;
}

void gic_update_cpu(struct gic *g, struct gic_cpu *c)
{
	struct gic_irq *highest = gic_highest(g, c);
	u32 out = inputs(c, let_through(c, highest));
	bool wakes = highest && !c->apr;

	if (out == c->out && wakes == c->wakes)
		return;
	c->out = out;
	c->wakes = wakes;
	g->changed |= 1u << c->index;
}

static void queue_add(struct gic_queue *q, const struct gic_irq *irq)
{
	u32 p = irq->priority >> PRIORITY_SHIFT, w = irq->intid / 32;

	q->ids[p][w] |= 1u << irq->intid % 32;
	q->words[p] |= 1u << w;
	q->priorities |= 1u << p;
}

static void queue_remove(struct gic_queue *q, const struct gic_irq *irq)
{
	u32 p = irq->priority >> PRIORITY_SHIFT, w = irq->intid / 32;

	q->ids[p][w] &= ~(1u << irq->intid % 32);
	if (q->ids[p][w])
		return;
	q->words[p] &= ~(1u << w);
	if (!q->words[p])
		q->priorities &= ~(1u << p);
}

/* The CPUs that could take it now, but for the groups: GICD_CTLR and GICC_CTLR are the queues' reader's. */
static u32 takers(const struct gic *g, const struct gic_irq *irq)
{
	if (!irq->enabled || irq->active || !gic_is_pending(irq))
		return 0;
	if (!gic_is_spi(irq))
		return 1u << irq->owner;
	return g->nr_cpus == 1 ? 1 : irq->targets;
}

static void queue_for(struct gic *g, struct gic_irq *irq, u32 cpus)
{
	u32 differ = irq->queued ^ cpus;

	irq->queued = (u8)cpus;
	for (; differ; differ &= differ - 1) {
		struct gic_cpu *c = &g->cpu[lowest_bit(differ)];

		if (cpus >> c->index & 1)
			queue_add(&c->queue[irq->group1], irq);
		else
			queue_remove(&c->queue[irq->group1], irq);
		gic_update_cpu(g, c);
	}
}

static void requeue(struct gic *g, struct gic_irq *irq)
{
	queue_for(g, irq, takers(g, irq));
}

void gic_dequeue(struct gic *g, struct gic_irq *irq)
{
	queue_for(g, irq, 0);
}

static void activate_physical(struct gic_irq *irq)
{
	if (!irq->hw || irq->phys_active)
		return;
	irq->phys_active = true;
	irq->hw->set_active(irq->hw_ctx, true);
}

static void deactivate_physical(struct gic_irq *irq)
{
	bool level;

	if (!irq->hw || !irq->phys_active)
		return;
	irq->phys_active = false;
	irq->hw->set_active(irq->hw_ctx, false);
	level = irq->hw->line_level(irq->hw_ctx);
	/* A wire that is high already could have no rising edge any more. */
	irq->line = irq->edge ? irq->line && level : level;
}

/* A physical interrupt that is active, and whose twin will never be taken, would be silent for good. */
void gic_update(struct gic *g, struct gic_irq *irq)
{
	if (irq->phys_active && !irq->active && !gic_is_pending(irq))
		deactivate_physical(irq);
	requeue(g, irq);
}

void gic_set_line(struct gic *g, u32 cpu, u32 intid, bool level)
{
	struct gic_irq *irq;

	if (intid < GIC_NR_PRIVATE && cpu >= g->nr_cpus)
		return;
	irq = gic_irq_of(g, cpu, intid);
	if (!irq || gic_is_sgi(irq))
		return;
	if (irq->hw && level)
		irq->phys_active = true;
	if (irq->edge && level && !irq->line)
		irq->latch = true;
	irq->line = level;
	gic_update(g, irq);
}

void gic_set_pending(struct gic *g, struct gic_irq *irq)
{
	irq->latch = true;
	activate_physical(irq);
	gic_update(g, irq);
}

void gic_clear_pending(struct gic *g, struct gic_irq *irq)
{
	irq->latch = false;
	if (irq->hw) {
		irq->hw->set_pending(irq->hw_ctx, false);
		if (!irq->active)
			deactivate_physical(irq);
	}
	gic_update(g, irq);
}

void gic_set_active(struct gic *g, struct gic_irq *irq)
{
	irq->active = true;
	activate_physical(irq);
	gic_update(g, irq);
}

void gic_clear_active(struct gic *g, struct gic_irq *irq)
{
	irq->active = false;
	deactivate_physical(irq);
	gic_update(g, irq);
}

u32 gic_source(const struct gic_irq *irq)
{
	return irq->source ? lowest_bit(irq->source) : 0;
}

/*
 * 3.2.4 and 3.3.3. A level-sensitive interrupt whose wire is high goes on
 * pending; the latch that GICD_ISPENDR sets ends here for both kinds.
 */
u32 gic_acknowledge(struct gic *g, struct gic_cpu *c, struct gic_irq *irq)
{
	u32 source = gic_source(irq);

	c->apr |= 1u << ((irq->priority & group_mask(c, irq->group1)) >> PRIORITY_SHIFT);
	irq->source &= (u8) ~(1u << source);
	irq->latch = false;
	irq->active = true;
	requeue(g, irq); /* it was in this CPU's queue, so the output follows */
	return source;
}

u32 gic_output(const struct gic *g, u32 cpu)
{
	return g->cpu[cpu].out;
}

bool gic_wakes(const struct gic *g, u32 cpu)
{
	return g->cpu[cpu].wakes;
}

u32 gic_take_changed(struct gic *g)
{
	u32 changed = g->changed;

	g->changed = 0;
	return changed;
}

void gic_map(struct gic *g, u32 cpu, u32 intid, const struct hwirq_ops *ops, void *ctx)
{
	struct gic_irq *irq = gic_irq_of(g, cpu, intid);

	if (!irq || gic_is_sgi(irq))
		return;
	deactivate_physical(irq); /* or it would be masked for whoever has it next */
	irq->hw = ops;
	irq->hw_ctx = ctx;
	gic_update(g, irq);
}

/* Its wire and what it is mapped to stay. */
static void reset_irq(struct gic *g, struct gic_irq *irq)
{
	gic_dequeue(g, irq);
	irq->priority = 0;
	irq->targets = 0;
	irq->source = 0;
	irq->latch = irq->active = irq->group1 = false;
	irq->enabled = irq->edge = gic_is_sgi(irq);
	gic_update(g, irq);
}

static void reset_cpu(struct gic *g, struct gic_cpu *c)
{
	c->ctlr = c->pmr = c->apr = 0;
	c->bpr = BPR_MIN;
	c->abpr = ABPR_MIN;
	for (u32 i = 0; i < GIC_NR_PRIVATE; i++)
		reset_irq(g, &c->irq[i]);
	gic_update_cpu(g, c);
}

void gic_reset(struct gic *g)
{
	g->ctlr = 0;
	for (u32 i = 0; i < g->nr_cpus; i++)
		reset_cpu(g, &g->cpu[i]);
	for (u32 i = GIC_NR_PRIVATE; i < g->nr_ids; i++)
		reset_irq(g, gic_irq_of(g, 0, i));
}

int gic_create(const struct gic_config *cfg, struct gic **out)
{
	struct gic *g;

	if (cfg->nr_cpus == 0 || cfg->nr_cpus > GIC_CPUS_MAX || cfg->nr_irqs == 0 ||
	    cfg->nr_irqs > IRQS_MAX || cfg->nr_irqs % 32)
		return -EINVAL;
	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;

	g->nr_cpus = cfg->nr_cpus;
	g->nr_ids = cfg->nr_irqs < GIC_INTIDS_MAX ? cfg->nr_irqs : GIC_INTIDS_MAX;
	g->it_lines = cfg->nr_irqs / 32 - 1;
	for (u32 cpu = 0; cpu < g->nr_cpus; cpu++) {
		g->cpu[cpu].gic = g;
		g->cpu[cpu].index = cpu;
		for (u32 i = 0; i < GIC_NR_PRIVATE; i++) {
			g->cpu[cpu].irq[i].intid = (u16)i;
			g->cpu[cpu].irq[i].owner = (u8)cpu;
		}
	}
	for (u32 i = GIC_NR_PRIVATE; i < g->nr_ids; i++)
		gic_irq_of(g, 0, i)->intid = (u16)i;
	gic_reset(g);
	*out = g;
	return 0;
}

void gic_destroy(struct gic *g)
{
	free(g);
}
