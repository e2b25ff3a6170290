/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "irqchip/gic_private.h"
#include "machine/base/bits.h"

static void save_irq(const struct gic_irq *irq, struct gic_saved_irq *out)
{
	out->flags =
		(u8)((irq->enabled ? GIC_SAVED_ENABLED : 0) | (irq->latch ? GIC_SAVED_LATCH : 0) |
	             (irq->line ? GIC_SAVED_LINE : 0) | (irq->active ? GIC_SAVED_ACTIVE : 0) |
	             (irq->edge ? GIC_SAVED_EDGE : 0) | (irq->group1 ? GIC_SAVED_GROUP1 : 0));
	out->priority = irq->priority;
	out->targets = irq->targets;
	out->source = irq->source;
}

static void save_cpu(const struct gic_cpu *c, struct gic_saved_cpu *out)
{
	out->ctlr = htole32(c->ctlr);
	out->pmr = htole32(c->pmr);
	out->bpr = htole32(c->bpr);
	out->abpr = htole32(c->abpr);
	out->apr = htole32(c->apr);
	for (u32 i = 0; i < GIC_NR_PRIVATE; i++)
		save_irq(&c->irq[i], &out->irq[i]);
}

void gic_save(const struct gic *g, struct gic_saved *out)
{
	memset(out, 0, sizeof(*out));
	out->magic = htole32(GIC_SAVED_MAGIC);
	out->version = htole32(GIC_SAVED_VERSION);
	out->nr_cpus = htole32(g->nr_cpus);
	out->nr_irqs = htole32((g->it_lines + 1) * 32);
	out->ctlr = htole32(g->ctlr);
	for (u32 i = 0; i < g->nr_cpus; i++)
		save_cpu(&g->cpu[i], &out->cpu[i]);
	for (u32 i = GIC_NR_PRIVATE; i < g->nr_ids; i++)
		save_irq(&g->spi[i - GIC_NR_PRIVATE], &out->spi[i - GIC_NR_PRIVATE]);
}

static bool is_zero(const void *p, size_t len)
{
	const u8 *b = p;

	while (len > 0 && *b == 0) {
		b++;
		len--;
	}
	return len == 0;
}

/* Which flags an interrupt has for good, and which it can have. */
static bool flags_ok(u32 intid, u32 flags)
{
	u32 always = 0, never = ~(u32)GIC_SAVED_FLAGS;

	if (intid < GIC_NR_SGIS) {
		always = GIC_SAVED_ENABLED | GIC_SAVED_EDGE;
		never |= GIC_SAVED_LATCH | GIC_SAVED_LINE;
	} else if (intid < GIC_NR_PRIVATE) {
		never |= GIC_SAVED_EDGE;
	}
	return (flags & always) == always && !(flags & never);
}

static bool irq_ok(const struct gic *g, u32 intid, const struct gic_saved_irq *in)
{
	u32 others = ~gic_all_cpus(g);
	/* With one CPU there is no register for it. */
	u32 no_targets = intid < GIC_NR_PRIVATE || g->nr_cpus == 1 ? ~0u : others;
	u32 no_source = intid < GIC_NR_SGIS ? others : ~0u;

	return flags_ok(intid, in->flags) && !(in->priority & ~(u32)PRIORITY_MASK) &&
	       !(in->targets & no_targets) && !(in->source & no_source);
}

static bool cpu_ok(const struct gic *g, const struct gic_saved_cpu *in)
{
	u32 bpr = le32toh(in->bpr), abpr = le32toh(in->abpr);

	if ((le32toh(in->ctlr) & ~(u32)GICC_CTLR_MASK) || (le32toh(in->pmr) & ~(u32)PRIORITY_MASK))
		return false;
	if (bpr < BPR_MIN || bpr > BPR_MAX || abpr < ABPR_MIN || abpr > BPR_MAX)
		return false;
	for (u32 i = 0; i < GIC_NR_PRIVATE; i++)
		if (!irq_ok(g, i, &in->irq[i]))
			return false;
	return true;
}

static bool saved_ok(const struct gic *g, const struct gic_saved *in)
{
	const struct gic_saved_irq *end = &in->spi[g->nr_ids - GIC_NR_PRIVATE];

	if (le32toh(in->magic) != GIC_SAVED_MAGIC || le32toh(in->version) != GIC_SAVED_VERSION ||
	    le32toh(in->nr_cpus) != g->nr_cpus || le32toh(in->nr_irqs) != (g->it_lines + 1) * 32 ||
	    (le32toh(in->ctlr) & ~(u32)GICD_CTLR_MASK) ||
	    !is_zero(in->reserved, sizeof(in->reserved)))
		return false;
	for (u32 i = 0; i < GIC_CPUS_MAX; i++)
		if (i < g->nr_cpus ? !cpu_ok(g, &in->cpu[i])
		                   : !is_zero(&in->cpu[i], sizeof(in->cpu[i])))
			return false;
	for (u32 i = GIC_NR_PRIVATE; i < g->nr_ids; i++)
		if (!irq_ok(g, i, &in->spi[i - GIC_NR_PRIVATE]))
			return false;
	return is_zero(end, (size_t)((const u8 *)(in + 1) - (const u8 *)end));
}

static void load_irq(struct gic *g, struct gic_irq *irq, const struct gic_saved_irq *in)
{
	gic_dequeue(g, irq);
	irq->enabled = in->flags & GIC_SAVED_ENABLED;
	irq->latch = in->flags & GIC_SAVED_LATCH;
	if (!irq->hw)
		irq->line = in->flags & GIC_SAVED_LINE;
	irq->active = in->flags & GIC_SAVED_ACTIVE;
	irq->edge = in->flags & GIC_SAVED_EDGE;
	irq->group1 = in->flags & GIC_SAVED_GROUP1;
	irq->priority = in->priority;
	irq->targets = in->targets;
	irq->source = in->source;
	gic_update(g, irq);
}

static void load_cpu(struct gic *g, struct gic_cpu *c, const struct gic_saved_cpu *in)
{
	c->ctlr = le32toh(in->ctlr);
	c->pmr = le32toh(in->pmr);
	c->bpr = le32toh(in->bpr);
	c->abpr = le32toh(in->abpr);
	c->apr = le32toh(in->apr);
	for (u32 i = 0; i < GIC_NR_PRIVATE; i++)
		load_irq(g, &c->irq[i], &in->irq[i]);
	gic_update_cpu(g, c);
}

int gic_load(struct gic *g, const struct gic_saved *saved)
{
	if (!saved_ok(g, saved))
		return -EINVAL;

	g->ctlr = le32toh(saved->ctlr);
	for (u32 i = 0; i < g->nr_cpus; i++)
		load_cpu(g, &g->cpu[i], &saved->cpu[i]);
	for (u32 i = GIC_NR_PRIVATE; i < g->nr_ids; i++)
		load_irq(g, &g->spi[i - GIC_NR_PRIVATE], &saved->spi[i - GIC_NR_PRIVATE]);
	return 0;
}
