/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_GIC_REFERENCE_H
#define TESTS_UNIT_GIC_REFERENCE_H

#include <string.h>

#include "irqchip/gic.h"
#include "machine/base/types.h"
#include "tests/unit/gic_rig.h"

/*
 * A second GICv2, to compare irqchip/gic.h's with: IHI 0048B.b and the choices that
 * gic.h lists, one function a rule, in the words of the specification. Everything is
 * found by looking at every interrupt; nothing is remembered that can be worked out.
 * It shares no code with irqchip/ and knows no mapped interrupts.
 */
enum {
	REF_LEVELS = 32, /* of priority: the upper five bits */
	REF_IDLE = 0xff, /* the running priority of a CPU that handles nothing */
};

struct ref_irq {
	bool enabled, latch, line, active, edge, group1;
	u8 priority;
	u8 targets; /* an SPI's */
	u8 sources; /* CPUs that an SGI is pending from */
};

struct ref_cpu {
	u32 ctlr, pmr, bpr, abpr;
	bool running[REF_LEVELS]; /* GICC_APR0: group priorities of what it handles */
	struct ref_irq irq[GIC_NR_PRIVATE];
};

struct ref {
	u32 nr_cpus, nr_irqs;
	bool group_enabled[2]; /* GICD_CTLR */
	struct ref_cpu cpu[GIC_CPUS_MAX];
	struct ref_irq spi[GIC_INTIDS_MAX - GIC_NR_PRIVATE];
};

static inline bool ref_exists(const struct ref *r, u32 id)
{
	return id < r->nr_irqs && id < GIC_INTIDS_MAX;
}

static inline bool ref_is_sgi(u32 id)
{
	return id < GIC_NR_SGIS;
}

static inline bool ref_is_spi(u32 id)
{
	return id >= GIC_NR_PRIVATE;
}

static inline u8 ref_all_cpus(const struct ref *r)
{
	return (u8)((1u << r->nr_cpus) - 1);
}

/* 2.2.1: SGIs and PPIs are banked. @id exists. */
static inline const struct ref_irq *ref_look(const struct ref *r, u32 cpu, u32 id)
{
	return ref_is_spi(id) ? &r->spi[id - GIC_NR_PRIVATE] : &r->cpu[cpu].irq[id];
}

static inline struct ref_irq *ref_irq(struct ref *r, u32 cpu, u32 id)
{
	return ref_is_spi(id) ? &r->spi[id - GIC_NR_PRIVATE] : &r->cpu[cpu].irq[id];
}

static inline void ref_reset_irq(struct ref_irq *i)
{
	*i = (struct ref_irq){ .line = i->line };
}

static inline void ref_reset(struct ref *r)
{
	r->group_enabled[0] = r->group_enabled[1] = false;
	for (u32 cpu = 0; cpu < GIC_CPUS_MAX; cpu++) {
		struct ref_cpu *c = &r->cpu[cpu];

		c->ctlr = c->pmr = 0;
		c->bpr = 2;
		c->abpr = 3;
		memset(c->running, 0, sizeof(c->running));
		for (u32 id = 0; id < GIC_NR_PRIVATE; id++)
			ref_reset_irq(&c->irq[id]);
	}
	for (u32 id = GIC_NR_PRIVATE; id < GIC_INTIDS_MAX; id++)
		ref_reset_irq(&r->spi[id - GIC_NR_PRIVATE]);
}

static inline void ref_init(struct ref *r, const struct gic_config *cfg)
{
	memset(r, 0, sizeof(*r));
	r->nr_cpus = cfg->nr_cpus;
	r->nr_irqs = cfg->nr_irqs;
	ref_reset(r);
}

/* 4.3.5: of SGIs the implementation decides: always enabled. */
static inline bool ref_is_enabled(const struct ref *r, u32 cpu, u32 id)
{
	return ref_is_sgi(id) || ref_look(r, cpu, id)->enabled;
}

/* 4.3.13: SGIs are edge-triggered, PPIs level-sensitive. */
static inline bool ref_is_edge(const struct ref *r, u32 cpu, u32 id)
{
	return ref_is_sgi(id) || (ref_is_spi(id) && ref_look(r, cpu, id)->edge);
}

static inline bool ref_is_active(const struct ref *r, u32 cpu, u32 id)
{
	return ref_look(r, cpu, id)->active;
}

static inline u32 ref_group(const struct ref *r, u32 cpu, u32 id)
{
	return ref_look(r, cpu, id)->group1;
}

/* 4.3.7, 4.3.8: the latch, and of level-sensitive ones the wire. */
static inline bool ref_is_pending(const struct ref *r, u32 cpu, u32 id)
{
	const struct ref_irq *i = ref_look(r, cpu, id);

	if (ref_is_sgi(id))
		return i->sources != 0;
	if (ref_is_edge(r, cpu, id))
		return i->latch;
	return i->latch || i->line;
}

/* 4.3.12: with one CPU there is nothing to choose. */
static inline bool ref_goes_to(const struct ref *r, u32 cpu, u32 id)
{
	return !ref_is_spi(id) || r->nr_cpus == 1 || ref_look(r, cpu, id)->targets >> cpu & 1;
}

/* 3.2.4: not one that is active already. */
static inline bool ref_is_forwarded(const struct ref *r, u32 cpu, u32 id)
{
	return ref_is_pending(r, cpu, id) && !ref_is_active(r, cpu, id) &&
	       ref_is_enabled(r, cpu, id) && ref_goes_to(r, cpu, id) &&
	       r->group_enabled[ref_group(r, cpu, id)];
}

/* 3.3: the highest priority has the lowest value; then the lowest ID. GIC_SPURIOUS: none. */
static inline u32 ref_highest(const struct ref *r, u32 cpu)
{
	u32 best = GIC_SPURIOUS;

	for (u32 id = 0; ref_exists(r, id); id++) {
		if (!ref_is_forwarded(r, cpu, id))
			continue;
		if (best == GIC_SPURIOUS ||
		    ref_look(r, cpu, id)->priority < ref_look(r, cpu, best)->priority)
			best = id;
	}
	return best;
}

/* 3.3.2, 4.4.3, 4.4.8: the bits of a priority that decide about preemption. */
static inline u32 ref_group_mask(const struct ref *r, u32 cpu, u32 group)
{
	const struct ref_cpu *c = &r->cpu[cpu];

	if (group == 0 || c->ctlr & CBPR)
		return 0xff << (c->bpr + 1) & 0xff;
	return 0xff << c->abpr & 0xff;
}

/* 4.4.6 */
static inline u32 ref_running(const struct ref *r, u32 cpu)
{
	for (u32 i = 0; i < REF_LEVELS; i++)
		if (r->cpu[cpu].running[i])
			return i << 3;
	return REF_IDLE;
}

/* 3.3.1, 3.3.2: only a higher group priority than the running one's. */
static inline bool ref_preempts(const struct ref *r, u32 cpu, u32 id)
{
	u32 mask = ref_group_mask(r, cpu, ref_group(r, cpu, id));
	u32 running = ref_running(r, cpu);

	return running == REF_IDLE || (ref_look(r, cpu, id)->priority & mask) < (running & mask);
}

static inline bool ref_group_is_on(const struct ref *r, u32 cpu, u32 id)
{
	return r->cpu[cpu].ctlr & (ref_group(r, cpu, id) ? ENABLE_GRP1 : ENABLE_GRP0);
}

/* 3.3, 4.4.1, 4.4.2: what the CPU interface signals to its CPU. GIC_SPURIOUS: nothing. */
static inline u32 ref_signalled(const struct ref *r, u32 cpu)
{
	u32 id = ref_highest(r, cpu);

	if (id == GIC_SPURIOUS || !ref_group_is_on(r, cpu, id))
		return GIC_SPURIOUS;
	if (ref_look(r, cpu, id)->priority >= r->cpu[cpu].pmr)
		return GIC_SPURIOUS;
	return ref_preempts(r, cpu, id) ? id : GIC_SPURIOUS;
}

/* 4.4.1: FIQEn sends group 0 there. */
static inline u32 ref_output(const struct ref *r, u32 cpu)
{
	u32 id = ref_signalled(r, cpu);

	if (id == GIC_SPURIOUS)
		return 0;
	if (ref_group(r, cpu, id) == 0 && r->cpu[cpu].ctlr & FIQ_EN)
		return GIC_OUT_FIQ;
	return GIC_OUT_IRQ;
}

/* The edge is what latches; a level is looked at when it is asked for. */
static inline void ref_set_line(struct ref *r, u32 cpu, u32 id, bool level)
{
	struct ref_irq *i;

	if (ref_is_sgi(id) || !ref_exists(r, id))
		return;
	i = ref_irq(r, cpu, id);
	if (level && !i->line && ref_is_edge(r, cpu, id))
		i->latch = true;
	i->line = level;
}

/* 4.4.4: of an SGI the sender is a part of the answer. */
static inline u32 ref_sender(const struct ref *r, u32 cpu, u32 id)
{
	if (!ref_is_sgi(id))
		return 0;
	for (u32 from = 0; from < GIC_CPUS_MAX; from++)
		if (ref_look(r, cpu, id)->sources >> from & 1)
			return from;
	return 0;
}

static inline u32 ref_answer(const struct ref *r, u32 cpu, u32 id)
{
	return id | ref_sender(r, cpu, id) << 10;
}

/* 3.2.4: pending becomes active; a wire that stays high makes it active and pending. */
static inline u32 ref_acknowledge(struct ref *r, u32 cpu, u32 id)
{
	u32 answer = ref_answer(r, cpu, id);
	u32 mask = ref_group_mask(r, cpu, ref_group(r, cpu, id));
	struct ref_irq *i = ref_irq(r, cpu, id);

	i->sources &= (u8) ~(1u << ref_sender(r, cpu, id));
	i->latch = false;
	i->active = true;
	r->cpu[cpu].running[(i->priority & mask) >> 3] = true;
	return answer;
}

/* 4.4.4 */
static inline u32 ref_iar(struct ref *r, u32 cpu)
{
	u32 id = ref_signalled(r, cpu);

	if (id == GIC_SPURIOUS)
		return GIC_SPURIOUS;
	if (ref_group(r, cpu, id) == 1 && !(r->cpu[cpu].ctlr & ACK_CTL))
		return GIC_SPURIOUS_GROUP1;
	return ref_acknowledge(r, cpu, id);
}

/* 4.4.9 */
static inline u32 ref_aiar(struct ref *r, u32 cpu)
{
	u32 id = ref_signalled(r, cpu);

	if (id == GIC_SPURIOUS || ref_group(r, cpu, id) == 0)
		return GIC_SPURIOUS;
	return ref_acknowledge(r, cpu, id);
}

/* 4.4.7 */
static inline u32 ref_hppir(const struct ref *r, u32 cpu)
{
	u32 id = ref_highest(r, cpu);

	if (id == GIC_SPURIOUS || !ref_group_is_on(r, cpu, id))
		return GIC_SPURIOUS;
	if (ref_group(r, cpu, id) == 1 && !(r->cpu[cpu].ctlr & ACK_CTL))
		return GIC_SPURIOUS_GROUP1;
	return ref_answer(r, cpu, id);
}

/* 4.4.11 */
static inline u32 ref_ahppir(const struct ref *r, u32 cpu)
{
	u32 id = ref_highest(r, cpu);

	if (id == GIC_SPURIOUS || !ref_group_is_on(r, cpu, id) || ref_group(r, cpu, id) == 0)
		return GIC_SPURIOUS;
	return ref_answer(r, cpu, id);
}

/* 3.2.1: the running priority falls back to what was interrupted. */
static inline void ref_priority_drop(struct ref *r, u32 cpu)
{
	for (u32 i = 0; i < REF_LEVELS; i++) {
		if (r->cpu[cpu].running[i]) {
			r->cpu[cpu].running[i] = false;
			return;
		}
	}
}

static inline bool ref_is_split(const struct ref *r, u32 cpu)
{
	return r->cpu[cpu].ctlr & EOI_MODE;
}

/* 4.4.5, 4.4.10 */
static inline void ref_end(struct ref *r, u32 cpu, u32 id)
{
	if (!ref_exists(r, id))
		return;
	ref_priority_drop(r, cpu);
	if (!ref_is_split(r, cpu))
		ref_irq(r, cpu, id)->active = false;
}

static inline void ref_eoir(struct ref *r, u32 cpu, u32 value)
{
	ref_end(r, cpu, value & 0x3ff);
}

static inline void ref_aeoir(struct ref *r, u32 cpu, u32 value)
{
	u32 id = value & 0x3ff;

	if (ref_exists(r, id) && ref_group(r, cpu, id) == 1)
		ref_end(r, cpu, id);
}

/* 4.4.15 */
static inline void ref_dir(struct ref *r, u32 cpu, u32 value)
{
	u32 id = value & 0x3ff;

	if (ref_exists(r, id) && ref_is_split(r, cpu))
		ref_irq(r, cpu, id)->active = false;
}

/* 4.4.12 */
static inline u32 ref_read_apr(const struct ref *r, u32 cpu)
{
	u32 apr = 0;

	for (u32 i = 0; i < REF_LEVELS; i++)
		apr |= (u32)r->cpu[cpu].running[i] << i;
	return apr;
}

static inline void ref_write_apr(struct ref *r, u32 cpu, u32 value)
{
	for (u32 i = 0; i < REF_LEVELS; i++)
		r->cpu[cpu].running[i] = value >> i & 1;
}

static inline u32 ref_at_least(u32 value, u32 least)
{
	return value < least ? least : value;
}

/* Table 4-2 */
static inline u64 ref_gicc_read(struct ref *r, u32 cpu, u32 offset, u32 width)
{
	const struct ref_cpu *c = &r->cpu[cpu];

	if (width != 4)
		return 0;
	switch (offset) {
	case GICC_CTLR:
		return c->ctlr;
	case GICC_PMR:
		return c->pmr;
	case GICC_BPR:
		return c->bpr;
	case GICC_IAR:
		return ref_iar(r, cpu);
	case GICC_RPR:
		return ref_running(r, cpu);
	case GICC_HPPIR:
		return ref_hppir(r, cpu);
	case GICC_ABPR:
		return c->abpr;
	case GICC_AIAR:
		return ref_aiar(r, cpu);
	case GICC_AHPPIR:
		return ref_ahppir(r, cpu);
	case GICC_APR:
		return ref_read_apr(r, cpu);
	case GICC_IIDR:
		return 0x05220000;
	default:
		return 0;
	}
}

static inline void ref_gicc_write(struct ref *r, u32 cpu, u32 offset, u32 width, u64 value)
{
	struct ref_cpu *c = &r->cpu[cpu];
	u32 v = (u32)value;

	if (width != 4)
		return;
	switch (offset) {
	case GICC_CTLR:
		c->ctlr = v & (ENABLE_GRP0 | ENABLE_GRP1 | ACK_CTL | FIQ_EN | CBPR | EOI_MODE);
		break;
	case GICC_PMR:
		c->pmr = v & 0xf8;
		break;
	case GICC_BPR:
		c->bpr = ref_at_least(v & 7, 2);
		break;
	case GICC_EOIR:
		ref_eoir(r, cpu, v);
		break;
	case GICC_ABPR:
		c->abpr = ref_at_least(v & 7, 3);
		break;
	case GICC_AEOIR:
		ref_aeoir(r, cpu, v);
		break;
	case GICC_APR:
		ref_write_apr(r, cpu, v);
		break;
	case GICC_DIR:
		ref_dir(r, cpu, v);
		break;
	default:
		break;
	}
}

#endif /* TESTS_UNIT_GIC_REFERENCE_H */
