/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_GIC_SLOW_H
#define TESTS_FUZZ_GIC_SLOW_H

#include <endian.h>
#include <stdio.h>

#include "irqchip/gic.h"

/* What follows from the state of a GICv2, found by asking every interrupt. */

static inline void check(bool ok, const char *what, u64 number)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz: %s: %#llx\n", what, number);
	__builtin_trap();
}

static inline struct gic_saved_irq *saved_irq(struct gic_saved *s, u32 cpu, u32 intid)
{
	return intid < GIC_NR_PRIVATE ? &s->cpu[cpu].irq[intid] : &s->spi[intid - GIC_NR_PRIVATE];
}

static inline bool is_pending(const struct gic_saved_irq *irq)
{
	if (irq->flags & GIC_SAVED_LATCH || irq->source)
		return true;
	return (irq->flags & (GIC_SAVED_LINE | GIC_SAVED_EDGE)) == GIC_SAVED_LINE;
}

/* IHI 0048B.b 3.2: the distributor hands it to @cpu. */
static inline bool is_forwarded(const struct gic_saved *s, u32 cpu, const struct gic_saved_irq *irq,
                                u32 intid)
{
	u32 group = irq->flags & GIC_SAVED_GROUP1 ? 2 : 1;

	if (intid >= GIC_NR_PRIVATE && le32toh(s->nr_cpus) > 1 && !(irq->targets >> cpu & 1))
		return false;
	return (irq->flags & (GIC_SAVED_ENABLED | GIC_SAVED_ACTIVE)) == GIC_SAVED_ENABLED &&
	       is_pending(irq) && (le32toh(s->ctlr) & group);
}

/* GIC_SPURIOUS: there is none. */
static inline u32 slow_highest(struct gic_saved *s, u32 cpu)
{
	u32 nr_irqs = le32toh(s->nr_irqs), best = GIC_SPURIOUS, priority = 0x100;

	for (u32 intid = 0; intid < nr_irqs && intid < GIC_INTIDS_MAX; intid++) {
		const struct gic_saved_irq *irq = saved_irq(s, cpu, intid);

		if (irq->priority < priority && is_forwarded(s, cpu, irq, intid)) {
			best = intid;
			priority = irq->priority;
		}
	}
	return best;
}

/* The bits of a priority that count for preemption: 3.3.2. */
static inline u32 slow_group_mask(const struct gic_saved_cpu *c, bool group1)
{
	bool own = group1 && !(le32toh(c->ctlr) & 0x10);

	return own ? 0xffu << le32toh(c->abpr) : 0xffu << (le32toh(c->bpr) + 1);
}

static inline bool is_let_through(const struct gic_saved_cpu *c, const struct gic_saved_irq *irq)
{
	bool group1 = irq->flags & GIC_SAVED_GROUP1;
	u32 mask = slow_group_mask(c, group1) & 0xff, apr = le32toh(c->apr);

	if (!(le32toh(c->ctlr) & (group1 ? 2 : 1)) || irq->priority >= le32toh(c->pmr))
		return false;
	for (u32 level = 0; level < 32; level++)
		if (apr >> level & 1)
			return (irq->priority & mask) < (level << 3 & mask);
	return true;
}

static inline u32 slow_output(struct gic_saved *s, u32 cpu)
{
	const struct gic_saved_cpu *c = &s->cpu[cpu];
	u32 intid = slow_highest(s, cpu);
	const struct gic_saved_irq *irq;

	if (intid == GIC_SPURIOUS)
		return 0;
	irq = saved_irq(s, cpu, intid);
	if (!is_let_through(c, irq))
		return 0;
	return !(irq->flags & GIC_SAVED_GROUP1) && (le32toh(c->ctlr) & 8) ? GIC_OUT_FIQ
	                                                                  : GIC_OUT_IRQ;
}

static inline u32 slow_source(const struct gic_saved_irq *irq)
{
	u32 cpu = 0;

	while (irq->source && !(irq->source >> cpu & 1))
		cpu++;
	return cpu;
}

/* What GICC_IAR, GICC_HPPIR or, @alias, those of group 1 show, @masks: only what is signalled. */
static inline u32 slow_answer(struct gic_saved *s, u32 cpu, bool alias, bool masks)
{
	const struct gic_saved_cpu *c = &s->cpu[cpu];
	u32 intid = slow_highest(s, cpu);
	const struct gic_saved_irq *irq;
	bool group1;

	if (intid == GIC_SPURIOUS)
		return GIC_SPURIOUS;
	irq = saved_irq(s, cpu, intid);
	group1 = irq->flags & GIC_SAVED_GROUP1;
	if (!(le32toh(c->ctlr) & (group1 ? 2 : 1)) || (masks && !is_let_through(c, irq)))
		return GIC_SPURIOUS;
	if (alias && !group1)
		return GIC_SPURIOUS;
	if (!alias && group1 && !(le32toh(c->ctlr) & 4))
		return GIC_SPURIOUS_GROUP1;
	return intid | slow_source(irq) << 10;
}

/* The state after @cpu has acknowledged @iar. */
static inline void slow_acknowledge(struct gic_saved *s, u32 cpu, u32 iar)
{
	struct gic_saved_irq *irq = saved_irq(s, cpu, iar & 0x3ff);
	struct gic_saved_cpu *c = &s->cpu[cpu];
	u32 mask = slow_group_mask(c, irq->flags & GIC_SAVED_GROUP1);

	check(!(irq->flags & GIC_SAVED_ACTIVE), "taken twice", iar);
	irq->flags = (u8)((irq->flags & ~GIC_SAVED_LATCH) | GIC_SAVED_ACTIVE);
	if ((iar & 0x3ff) < GIC_NR_SGIS)
		irq->source &= (u8) ~(1u << (iar >> 10));
	c->apr = htole32(le32toh(c->apr) | 1u << ((irq->priority & mask) >> 3));
}

/* Its wire is at @level. */
static inline void slow_line(struct gic_saved_irq *irq, bool level)
{
	u32 flags = irq->flags & ~(u32)GIC_SAVED_LINE;

	if (level)
		flags |= GIC_SAVED_LINE;
	if ((irq->flags & GIC_SAVED_EDGE) && (flags & ~(u32)irq->flags & GIC_SAVED_LINE))
		flags |= GIC_SAVED_LATCH;
	irq->flags = (u8)flags;
}

#endif /* TESTS_FUZZ_GIC_SLOW_H */
