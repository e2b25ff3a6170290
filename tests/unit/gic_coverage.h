/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_GIC_COVERAGE_H
#define TESTS_UNIT_GIC_COVERAGE_H

#include "tests/unit/gic_reference_dist.h"
#include "tests/unit/gic_steps.h"

/*
 * How often random steps have come to what is worth a test: the name, the CPUs that
 * it takes, and what it is. The reference's states before and after a step tell.
 */
#define GIC_COVERAGE(X)                                                                            \
	X(GROUP0_TAKEN, 1, "group 0 interrupt acknowledged")                                       \
	X(GROUP1_TAKEN, 1, "group 1 interrupt acknowledged with AckCtl")                           \
	X(GROUP1_ALIASED, 1, "group 1 interrupt acknowledged by GICC_AIAR without AckCtl")         \
	X(GROUP0_ALIASED, 1, "GICC_AIAR finds group 0: 1023")                                      \
	X(NESTED, 1, "acknowledge preempts a handler")                                             \
	X(NESTED_DEEP, 1, "acknowledge preempts a handler that did so itself")                     \
	X(CBPR_COUNTS, 1, "group 1 preempts by GICC_BPR, not GICC_ABPR")                           \
	X(SPURIOUS, 1, "acknowledge finds nothing: 1023")                                          \
	X(SPURIOUS_GROUP1, 1, "acknowledge finds group 1 without AckCtl: 1022")                    \
	X(TIED, 1, "two of the same priority, the lower ID taken")                                 \
	X(LAST_TAKEN, 1, "the last interrupt there is acknowledged")                               \
	X(SPI_TAKEN, 1, "SPI acknowledged")                                                        \
	X(STILL_PENDING, 1, "acknowledged and its wire is high: active and pending")               \
	X(SGI_FROM_OTHER, 2, "SGI from another CPU acknowledged")                                  \
	X(SGI_TWICE, 2, "SGI from two CPUs: the lower one taken, one left")                        \
	X(ONE_OF_N, 2, "acknowledge takes an SPI from another CPU's output")                       \
	X(IRQ, 1, "IRQ rises")                                                                     \
	X(FIQ, 1, "FIQ rises")                                                                     \
	X(IRQ_TO_FIQ, 1, "IRQ becomes FIQ")                                                        \
	X(IRQ_AND_FIQ, 2, "IRQ of one CPU and FIQ of another")                                     \
	X(MASKED, 1, "GICC_PMR masks the highest")                                                 \
	X(MASKED_ALIKE, 1, "higher priority than the running one, of the same group priority")     \
	X(MASKED_GROUP, 1, "GICC_CTLR masks the highest's group")                                  \
	X(LOST, 1, "output falls though nobody acknowledged")                                      \
	X(ENDED, 1, "GICC_EOIR deactivates")                                                       \
	X(ENDED_AGAIN, 1, "deactivated and pending again")                                         \
	X(ENDED_ALIASED, 1, "GICC_AEOIR deactivates")                                              \
	X(ENDED_NOT, 1, "GICC_AEOIR leaves group 0 alone")                                         \
	X(ENDED_ELSEWHERE, 2, "SPI deactivated by a CPU that handles nothing")                     \
	X(ENDED_INACTIVE, 1, "GICC_EOIR of an inactive one drops the priority")                    \
	X(DROPPED, 1, "GICC_EOIR with EOImode leaves it active")                                   \
	X(SPLIT, 1, "GICC_DIR deactivates")                                                        \
	X(SPLIT_NOT, 1, "GICC_DIR without EOImode leaves it active")                               \
	X(BACK_TO_WORK, 1, "a priority drop lets the next one through")                            \
	X(PEEKED, 1, "GICC_HPPIR names one")                                                       \
	X(PEEKED_BEHIND, 1, "GICC_HPPIR names one that is not signalled")                          \
	X(PEEKED_GROUP1, 1, "GICC_HPPIR says 1022")                                                \
	X(PEEKED_ALIASED, 1, "GICC_AHPPIR names one")                                              \
	X(PEEKED_RUNNING, 1, "GICC_RPR is busy")                                                   \
	X(EDGE, 1, "rising edge latched")                                                          \
	X(EDGE_ACTIVE, 1, "rising edge latched while active")                                      \
	X(EDGE_LEFT, 1, "wire falls, its edge stays pending")                                      \
	X(LEVEL_GONE, 1, "wire falls, no longer pending")                                          \
	X(LEVEL_KEPT, 1, "GICD_ICPENDR while the wire is high")                                    \
	X(LATCHED, 1, "GICD_ISPENDR while the wire is low")                                        \
	X(TRIGGER, 1, "GICD_ICFGR changes whether it is pending")                                  \
	X(AIMED, 2, "GICD_ITARGETSR: output rises")                                                \
	X(AIMED_AWAY, 2, "GICD_ITARGETSR: output falls")                                           \
	X(SENT_LIST, 2, "GICD_SGIR to a list")                                                     \
	X(SENT_OTHERS, 2, "GICD_SGIR to all others")                                               \
	X(SENT_SELF, 1, "GICD_SGIR to itself")                                                     \
	X(SENT_NOBODY, 1, "GICD_SGIR with the reserved filter")                                    \
	X(SENT_MERGED, 1, "GICD_SGIR while it is pending already")                                 \
	X(SOURCES_SET, 1, "GICD_SPENDSGIR")                                                        \
	X(SOURCES_CLEARED, 1, "GICD_CPENDSGIR")                                                    \
	X(POKED, 1, "gicd_poke() changes an output")                                               \
	X(BAD_WIDTH, 1, "access of a width that is not there")                                     \
	X(BAD_OFFSET, 1, "access beyond the registers")                                            \
	X(RESET, 1, "reset with an output high")                                                   \
	X(SAVED, 1, "saved, loaded, and an output high")                                           \
	X(REWOUND, 1, "loaded what another output was saved with")                                 \
	X(COMPARED, 1, "all registers compared")

enum gic_coverage_point {
#define POINT(name, cpus, text) COVER_##name,
	GIC_COVERAGE(POINT)
#undef POINT
		COVER_POINTS,
};

struct gic_coverage {
	u64 times[COVER_POINTS];
};

/* A step that has been done: p->value is what was read, if it reads. */
struct gic_moment {
	const struct ref *before, *after;
	const u32 *out_before, *out_after;
	const struct step *p;
};

static inline void cover(struct gic_coverage *c, enum gic_coverage_point at, bool seen)
{
	c->times[at] += seen;
}

static inline u32 cover_depth(const struct ref *r, u32 cpu)
{
	u32 n = 0;

	for (u32 i = 0; i < REF_LEVELS; i++)
		n += r->cpu[cpu].running[i];
	return n;
}

static inline bool cover_is_tied(const struct ref *r, u32 cpu, u32 id)
{
	for (u32 i = id + 1; ref_exists(r, i); i++)
		if (ref_is_forwarded(r, cpu, i) &&
		    ref_look(r, cpu, i)->priority == ref_look(r, cpu, id)->priority)
			return true;
	return false;
}

static inline bool cover_took_from_others(const struct gic_moment *m)
{
	for (u32 i = 0; i < m->before->nr_cpus; i++)
		if (i != m->p->cpu && m->out_before[i] && !m->out_after[i])
			return true;
	return false;
}

static inline void cover_sgi(struct gic_coverage *c, const struct gic_moment *m, u32 id)
{
	u8 sources = ref_look(m->before, m->p->cpu, id)->sources;

	cover(c, COVER_SGI_FROM_OTHER, m->p->value >> 10 != m->p->cpu);
	cover(c, COVER_SGI_TWICE, sources & (sources - 1));
}

static inline void cover_taken(struct gic_coverage *c, const struct gic_moment *m, u32 id)
{
	const struct ref *r = m->before;
	u32 cpu = m->p->cpu, depth = cover_depth(r, cpu), group = ref_group(r, cpu, id);
	bool alias = m->p->offset == GICC_AIAR, ackctl = r->cpu[cpu].ctlr & ACK_CTL;

	cover(c, COVER_GROUP0_TAKEN, group == 0);
	cover(c, COVER_GROUP1_TAKEN, group == 1 && !alias);
	cover(c, COVER_GROUP1_ALIASED, group == 1 && alias && !ackctl);
	cover(c, COVER_NESTED, depth >= 1);
	cover(c, COVER_NESTED_DEEP, depth >= 2);
	cover(c, COVER_CBPR_COUNTS,
	      depth >= 1 && group == 1 && r->cpu[cpu].ctlr & CBPR &&
	              r->cpu[cpu].bpr + 1 != r->cpu[cpu].abpr);
	cover(c, COVER_TIED, cover_is_tied(r, cpu, id));
	cover(c, COVER_LAST_TAKEN, !ref_exists(r, id + 1));
	cover(c, COVER_SPI_TAKEN, ref_is_spi(id));
	cover(c, COVER_STILL_PENDING, !ref_is_sgi(id) && ref_is_pending(m->after, cpu, id));
	cover(c, COVER_ONE_OF_N, ref_is_spi(id) && cover_took_from_others(m));
	if (ref_is_sgi(id))
		cover_sgi(c, m, id);
}

static inline void cover_peeked(struct gic_coverage *c, const struct gic_moment *m, u32 id)
{
	bool named = id < GIC_INTIDS_MAX;

	cover(c, COVER_PEEKED, named && m->p->offset == GICC_HPPIR);
	cover(c, COVER_PEEKED_BEHIND, named && !m->out_before[m->p->cpu]);
	cover(c, COVER_PEEKED_GROUP1, id == GIC_SPURIOUS_GROUP1);
	cover(c, COVER_PEEKED_ALIASED, named && m->p->offset == GICC_AHPPIR);
}

static inline void cover_gicc_read(struct gic_coverage *c, const struct gic_moment *m)
{
	u32 id = m->p->value & 0x3ff;

	switch (m->p->offset) {
	case GICC_IAR:
	case GICC_AIAR:
		cover(c, COVER_SPURIOUS, id == GIC_SPURIOUS && !m->out_before[m->p->cpu]);
		cover(c, COVER_GROUP0_ALIASED, id == GIC_SPURIOUS && m->out_before[m->p->cpu]);
		cover(c, COVER_SPURIOUS_GROUP1, id == GIC_SPURIOUS_GROUP1);
		if (id < GIC_INTIDS_MAX)
			cover_taken(c, m, id);
		break;
	case GICC_RPR:
		cover(c, COVER_PEEKED_RUNNING, m->p->value != REF_IDLE);
		break;
	case GICC_HPPIR:
	case GICC_AHPPIR:
		cover_peeked(c, m, id);
		break;
	default:
		break;
	}
}

static inline void cover_end(struct gic_coverage *c, const struct gic_moment *m, u32 id)
{
	u32 cpu = m->p->cpu, depth = cover_depth(m->before, cpu);
	bool was = ref_is_active(m->before, cpu, id), is = ref_is_active(m->after, cpu, id);
	bool alias = m->p->offset == GICC_AEOIR;

	cover(c, COVER_ENDED, was && !is && !alias);
	cover(c, COVER_ENDED_ALIASED, was && !is && alias);
	cover(c, COVER_ENDED_AGAIN, was && !is && ref_is_forwarded(m->after, cpu, id));
	cover(c, COVER_ENDED_NOT, was && alias && !ref_group(m->before, cpu, id));
	cover(c, COVER_ENDED_ELSEWHERE, was && !is && ref_is_spi(id) && depth == 0);
	cover(c, COVER_ENDED_INACTIVE, !was && depth > cover_depth(m->after, cpu));
	cover(c, COVER_DROPPED, is && depth > cover_depth(m->after, cpu));
	cover(c, COVER_BACK_TO_WORK, was && !m->out_before[cpu] && m->out_after[cpu]);
}

static inline void cover_gicc_write(struct gic_coverage *c, const struct gic_moment *m)
{
	u32 id = m->p->value & 0x3ff;

	if (!ref_exists(m->before, id))
		return;
	if (m->p->offset == GICC_EOIR || m->p->offset == GICC_AEOIR)
		cover_end(c, m, id);
	if (m->p->offset == GICC_DIR && ref_is_active(m->before, m->p->cpu, id)) {
		cover(c, COVER_SPLIT, !ref_is_active(m->after, m->p->cpu, id));
		cover(c, COVER_SPLIT_NOT, ref_is_active(m->after, m->p->cpu, id));
	}
}

static inline void cover_line(struct gic_coverage *c, const struct gic_moment *m)
{
	u32 id = m->p->offset, cpu = m->p->cpu % m->before->nr_cpus;
	const struct ref_irq *was, *is;
	bool edge;

	if (ref_is_sgi(id) || !ref_exists(m->before, id))
		return;
	was = ref_look(m->before, cpu, id);
	is = ref_look(m->after, cpu, id);
	edge = ref_is_edge(m->before, cpu, id);
	cover(c, COVER_EDGE, !was->latch && is->latch);
	cover(c, COVER_EDGE_ACTIVE, !was->latch && is->latch && was->active);
	cover(c, COVER_EDGE_LEFT, edge && was->line && !is->line && is->latch);
	cover(c, COVER_LEVEL_GONE, !edge && was->line && !ref_is_pending(m->after, cpu, id));
}

static inline void cover_send(struct gic_coverage *c, const struct gic_moment *m)
{
	u32 value = (u32)m->p->value, filter = value >> 24 & 3, cpu = m->p->cpu;

	cover(c, COVER_SENT_LIST, filter == 0 && value >> 16 & 0xff);
	cover(c, COVER_SENT_OTHERS, filter == 1);
	cover(c, COVER_SENT_SELF, filter == 2);
	cover(c, COVER_SENT_NOBODY, filter == 3);
	cover(c, COVER_SENT_MERGED,
	      filter == 2 && ref_look(m->before, cpu, value & 0xf)->sources >> cpu & 1);
}

/* Of what the one interrupt meant with a bit of @m's word, the lowest, has become. */
static inline void cover_pending(struct gic_coverage *c, const struct gic_moment *m)
{
	u32 offset = m->p->offset, cpu = m->p->cpu, value = (u32)m->p->value, id;
	const struct ref_irq *was;

	if (!value)
		return;
	id = offset % 0x80 * 8 + (u32)__builtin_ctz(value);
	if (ref_is_sgi(id) || !ref_exists(m->before, id))
		return;
	was = ref_look(m->before, cpu, id);
	cover(c, COVER_LATCHED, offset < GICD_ICPENDR && !was->line && !was->latch);
	cover(c, COVER_LEVEL_KEPT,
	      offset >= GICD_ICPENDR && was->line && ref_is_pending(m->after, cpu, id));
}

static inline bool cover_trigger(const struct gic_moment *m)
{
	u32 first = (m->p->offset - GICD_ICFGR) * 4;

	for (u32 id = first; id < first + 16; id++)
		if (ref_exists(m->before, id) && ref_is_pending(m->before, m->p->cpu, id) !=
		                                         ref_is_pending(m->after, m->p->cpu, id))
			return true;
	return false;
}

static inline void cover_aim(struct gic_coverage *c, const struct gic_moment *m)
{
	for (u32 i = 0; i < m->before->nr_cpus; i++) {
		cover(c, COVER_AIMED, !m->out_before[i] && m->out_after[i]);
		cover(c, COVER_AIMED_AWAY, m->out_before[i] && !m->out_after[i]);
	}
}

static inline void cover_gicd_write(struct gic_coverage *c, const struct gic_moment *m)
{
	u32 offset = m->p->offset;
	bool word = m->p->width == 4 && offset % 4 == 0;

	if (word && ref_is_within(offset, GICD_ISPENDR, 0x100))
		cover_pending(c, m);
	if (ref_is_within(offset, GICD_ITARGETSR, 0x400))
		cover_aim(c, m);
	cover(c, COVER_TRIGGER,
	      word && ref_is_within(offset, GICD_ICFGR, 0x100) && cover_trigger(m));
	if (word && offset == GICD_SGIR)
		cover_send(c, m);
	if (ref_is_within(offset, GICD_CPENDSGIR, 32) && ref_takes(offset, m->p->width)) {
		u32 cpu = m->p->cpu, was = ref_read_byte(m->before, cpu, offset);

		cover(c, COVER_SOURCES_SET, ref_read_byte(m->after, cpu, offset) > was);
		cover(c, COVER_SOURCES_CLEARED, ref_read_byte(m->after, cpu, offset) < was);
	}
}

/* What keeps the highest of this step's CPU from being signalled. */
static inline void cover_masks(struct gic_coverage *c, const struct gic_moment *m)
{
	u32 cpu = m->p->cpu % m->after->nr_cpus, id, priority;
	const struct ref *r = m->after;

	if (m->out_after[cpu])
		return;
	id = ref_highest(r, cpu);
	if (id == GIC_SPURIOUS)
		return;
	priority = ref_look(r, cpu, id)->priority;
	cover(c, COVER_MASKED_GROUP, !ref_group_is_on(r, cpu, id));
	cover(c, COVER_MASKED, priority >= r->cpu[cpu].pmr);
	cover(c, COVER_MASKED_ALIKE,
	      priority < r->cpu[cpu].pmr && ref_group_is_on(r, cpu, id) &&
	              priority < ref_running(r, cpu));
}

static inline void cover_outputs(struct gic_coverage *c, const struct gic_moment *m)
{
	bool taken = m->p->kind == STEP_GICC_READ, changed = false;
	u32 at_once = 0;

	for (u32 i = 0; i < m->after->nr_cpus; i++) {
		u32 was = m->out_before[i], is = m->out_after[i];

		cover(c, COVER_IRQ, was == 0 && is == GIC_OUT_IRQ);
		cover(c, COVER_FIQ, was == 0 && is == GIC_OUT_FIQ);
		cover(c, COVER_IRQ_TO_FIQ, was == GIC_OUT_IRQ && is == GIC_OUT_FIQ);
		cover(c, COVER_LOST, was && !is && !taken);
		changed |= was != is;
		at_once |= is;
	}
	cover(c, COVER_IRQ_AND_FIQ, at_once == (GIC_OUT_IRQ | GIC_OUT_FIQ));
	cover(c, COVER_POKED, m->p->kind == STEP_POKE && changed);
	cover(c, COVER_REWOUND, m->p->kind == STEP_REWIND && changed);
	cover(c, COVER_SAVED, m->p->kind == STEP_MOVE && at_once);
	cover(c, COVER_RESET, m->p->kind == STEP_RESET && changed);
}

static inline void cover_step(struct gic_coverage *c, const struct gic_moment *m)
{
	const struct step *p = m->p;
	bool access = p->kind >= STEP_GICD_READ && p->kind <= STEP_GICC_WRITE;

	cover(c, COVER_BAD_WIDTH, access && p->width != 4 && p->width != 1);
	cover(c, COVER_BAD_OFFSET, access && p->offset >= GICC_SIZE);
	cover(c, COVER_COMPARED, p->kind == STEP_COMPARE);
	if (p->kind == STEP_LINE)
		cover_line(c, m);
	if (p->kind == STEP_GICC_READ && p->width == 4)
		cover_gicc_read(c, m);
	if (p->kind == STEP_GICC_WRITE && p->width == 4)
		cover_gicc_write(c, m);
	if (p->kind == STEP_GICD_WRITE)
		cover_gicd_write(c, m);
	cover_outputs(c, m);
	cover_masks(c, m);
}

#endif /* TESTS_UNIT_GIC_COVERAGE_H */
