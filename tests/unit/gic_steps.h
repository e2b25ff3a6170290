/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_GIC_STEPS_H
#define TESTS_UNIT_GIC_STEPS_H

#include "irqchip/gic.h"
#include "machine/base/compiler.h"
#include "machine/base/types.h"
#include "tests/unit/gic_rig.h"

/*
 * What random guests, devices and a host do to a GIC, one step at a time. A guest
 * of this kind knows a dozen interrupts that it set up itself, and ends mostly what
 * it took; so deep nesting and races for one interrupt come up all the time, and
 * nonsense now and then. A seed gives the same steps every time.
 */
enum step_kind {
	STEP_LINE, /* offset: the interrupt; value: the level */
	STEP_GICD_READ,
	STEP_GICD_WRITE,
	STEP_POKE,
	STEP_GICC_READ,
	STEP_GICC_WRITE,
	STEP_RESET,
	STEP_MOVE, /* save, load into another GIC, go on with that */
	STEP_KEEP, /* save */
	STEP_REWIND, /* load what was kept, if anything */
	STEP_COMPARE, /* every register of every CPU */
};

struct step {
	enum step_kind kind;
	u32 cpu, offset, width;
	u64 value; /* written, or read */
};

enum { STEPS_KNOWN = 12, STEPS_TAKEN = 8, STEPS_AHEAD = 128 };

/* What was read from GICC_IAR, youngest last. */
struct steps_taken {
	u32 value[STEPS_TAKEN];
	u32 n;
};

struct steps {
	u64 random;
	u32 nr_cpus, nr_irqs;
	u32 known[STEPS_KNOWN];
	u32 episode; /* steps until the next one */
	u32 output[GIC_CPUS_MAX]; /* told by the caller */
	struct steps_taken taken[GIC_CPUS_MAX]; /* and not ended */
	struct steps_taken dropped[GIC_CPUS_MAX]; /* ended, perhaps not deactivated */
	struct step ahead[STEPS_AHEAD]; /* decided already */
	u32 nr_ahead, ahead_at;
};

/* splitmix64 */
static inline u64 steps_random(struct steps *s)
{
	u64 z = s->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline u32 steps_below(struct steps *s, u32 n)
{
	return (u32)((steps_random(s) >> 32) * n >> 32);
}

static inline bool steps_chance(struct steps *s, u32 percent)
{
	return steps_below(s, 100) < percent;
}

static inline u32 steps_cpu(struct steps *s)
{
	return steps_below(s, s->nr_cpus);
}

/* Mostly one that is asked for its attention. */
static inline u32 steps_busy_cpu(struct steps *s)
{
	u32 first = steps_cpu(s);

	if (steps_chance(s, 20))
		return first;
	for (u32 i = 0; i < s->nr_cpus; i++)
		if (s->output[(first + i) % s->nr_cpus])
			return (first + i) % s->nr_cpus;
	return first;
}

static inline u32 steps_id(struct steps *s)
{
	if (steps_chance(s, 93))
		return s->known[steps_below(s, STEPS_KNOWN)];
	if (steps_chance(s, 80))
		return steps_below(s, s->nr_irqs);
	return steps_below(s, 1024);
}

/* One that has targets and a trigger. */
static inline u32 steps_spi(struct steps *s)
{
	return s->known[5 + steps_below(s, STEPS_KNOWN - 5)];
}

static inline u32 steps_priority(struct steps *s)
{
	static const u8 few[] = { 0x00, 0x08, 0x10, 0x17, 0x20, 0x40, 0x48,
		                  0x60, 0x80, 0x80, 0xa0, 0xa7, 0xf0 };

	if (steps_chance(s, 4))
		return steps_below(s, 0x100);

	return few[steps_below(s, ARRAY_SIZE(few))];
}

static inline void steps_put(struct steps_taken *t, u32 value)
{
	if (t->n == STEPS_TAKEN) {
		for (u32 i = 1; i < t->n; i++)
			t->value[i - 1] = t->value[i];
		t->n--;
	}
	t->value[t->n++] = value;
}

static inline u32 steps_get(struct steps_taken *t, u32 at)
{
	u32 value = t->value[at];

	for (u32 i = at + 1; i < t->n; i++)
		t->value[i - 1] = t->value[i];
	t->n--;
	return value;
}

static inline struct step steps_gicd_write(struct steps *s, u32 cpu, u32 offset, u32 width,
                                           u32 value)
{
	enum step_kind kind = steps_chance(s, 10) ? STEP_POKE : STEP_GICD_WRITE;

	return (struct step){ kind, cpu, offset, width, value };
}

static inline struct step steps_gicc_write(struct steps *s, u32 cpu, u32 offset, u32 value)
{
	return (struct step){ STEP_GICC_WRITE, cpu, offset, 4, value };
}

/* A register with a bit for each interrupt: mostly that one's bit alone. */
static inline struct step steps_bit(struct steps *s, u32 base)
{
	u32 id = steps_id(s), bits = 1u << id % 32;

	if (steps_chance(s, 8))
		bits |= (u32)steps_random(s);
	return steps_gicd_write(s, steps_cpu(s), base + id / 32 * 4, 4, bits);
}

/* One with a byte for each: as a byte, or in a word with three others. */
static inline struct step steps_byte(struct steps *s, u32 base, u32 id, u32 value)
{
	if (steps_chance(s, 85))
		return steps_gicd_write(s, steps_cpu(s), base + id, 1, value);
	return steps_gicd_write(s, steps_cpu(s), base + id / 4 * 4, 4, value * 0x01010101);
}

static inline struct step steps_line(struct steps *s)
{
	/* Of an SPI the CPU means nothing, not even that there is one. */
	u32 id = steps_chance(s, 50) ? steps_spi(s) : steps_id(s), cpu = steps_cpu(s);

	if (id >= GIC_NR_PRIVATE && steps_chance(s, 50))
		cpu = (u32)steps_random(s);
	return (struct step){ STEP_LINE, cpu, id, 0, steps_chance(s, 60) };
}

static inline struct step steps_send(struct steps *s)
{
	u32 value = s->known[steps_below(s, 3)] % GIC_NR_SGIS;

	if (steps_chance(s, 60))
		value |= 1u << steps_cpu(s) << 16;
	else
		value |= (u32)steps_random(s) & 0x03ff8000;
	return steps_gicd_write(s, steps_cpu(s), GICD_SGIR, 4, value);
}

static inline struct step steps_sources(struct steps *s)
{
	u32 base = steps_chance(s, 50) ? GICD_CPENDSGIR : GICD_SPENDSGIR;

	return steps_byte(s, base, s->known[steps_below(s, 3)] % GIC_NR_SGIS,
	                  (u32)steps_random(s) & 0xff);
}

/* Where nobody is asked for attention, mostly something to ask for it. */
static inline struct step steps_acknowledge(struct steps *s)
{
	u32 offset = steps_chance(s, 70) ? GICC_IAR : GICC_AIAR, cpu = steps_busy_cpu(s);

	if (!s->output[cpu] && steps_chance(s, 80))
		return steps_chance(s, 70) ? steps_line(s) : steps_send(s);
	return (struct step){ STEP_GICC_READ, cpu, offset, 4, 0 };
}

/* Whose: its own, mostly the youngest; or another CPU's; or any that comes to mind. */
static inline u32 steps_one_of(struct steps *s, struct steps_taken *of, u32 cpu)
{
	struct steps_taken *t = &of[steps_chance(s, 6) ? steps_cpu(s) : cpu];

	if (t->n == 0 || steps_chance(s, 5))
		return steps_id(s) | steps_below(s, 8) << 10;
	return steps_get(t, steps_chance(s, 85) ? t->n - 1 : steps_below(s, t->n));
}

/* With something to end, if there is one. */
static inline u32 steps_somebody(struct steps *s, const struct steps_taken *of)
{
	u32 cpu = steps_cpu(s);

	for (u32 i = 0; i < s->nr_cpus && of[cpu].n == 0; i++)
		cpu = (cpu + 1) % s->nr_cpus;
	return cpu;
}

static inline struct step steps_end(struct steps *s)
{
	u32 offset = steps_chance(s, 90) ? GICC_EOIR : GICC_AEOIR;
	u32 cpu = steps_somebody(s, s->taken), value = steps_one_of(s, s->taken, cpu);

	steps_put(&s->dropped[cpu], value);
	return steps_gicc_write(s, cpu, offset, value);
}

static inline struct step steps_deactivate(struct steps *s)
{
	u32 cpu = steps_somebody(s, s->dropped);

	return steps_gicc_write(s, cpu, GICC_DIR, steps_one_of(s, s->dropped, cpu));
}

static inline struct step steps_peek(struct steps *s)
{
	static const u32 offsets[] = { GICC_RPR,   GICC_APR,    GICC_HPPIR,
		                       GICC_HPPIR, GICC_AHPPIR, GICC_AHPPIR };

	return (struct step){ STEP_GICC_READ, steps_busy_cpu(s),
		              offsets[steps_below(s, ARRAY_SIZE(offsets))], 4, 0 };
}

/* GICC_CTLR: the groups mostly on, the rest by chance. */
static inline u32 steps_ctlr(struct steps *s)
{
	u32 on = steps_chance(s, 95) ? ENABLE_GRP0 | ENABLE_GRP1 : steps_below(s, 4);

	return on | ((u32)steps_random(s) & (steps_chance(s, 95) ? 0x21c : ~3u));
}

static inline u32 steps_pmr(struct steps *s)
{
	return steps_chance(s, 85) ? 0xf8 + steps_below(s, 8) : steps_priority(s);
}

/* A binary point that leaves something to preempt by, mostly. */
static inline u32 steps_point(struct steps *s)
{
	return steps_chance(s, 70) ? steps_below(s, 5) : (u32)steps_random(s);
}

static inline struct step steps_interface(struct steps *s)
{
	u32 cpu = steps_cpu(s);

	switch (steps_below(s, 8)) {
	case 0:
	case 1:
	case 2:
		return steps_gicc_write(s, cpu, GICC_CTLR, steps_ctlr(s));
	case 3:
	case 4:
		return steps_gicc_write(s, cpu, GICC_PMR, steps_pmr(s));
	case 5:
		return steps_gicc_write(s, cpu, GICC_BPR, steps_point(s));
	case 6:
		return steps_gicc_write(s, cpu, GICC_ABPR, steps_point(s));
	default:
		return steps_gicc_write(s, cpu, GICC_APR,
		                        steps_chance(s, 60) ? 0 : (u32)steps_random(s));
	}
}

static inline struct step steps_config(struct steps *s)
{
	u32 id = steps_spi(s), bits = (u32)steps_random(s);

	if (steps_chance(s, 85))
		bits &= 3u << id % 16 * 2;
	return steps_gicd_write(s, steps_cpu(s), GICD_ICFGR + id / 16 * 4, 4, bits);
}

static inline struct step steps_forwarding(struct steps *s)
{
	u32 value = steps_chance(s, 80) ? 3 : (u32)steps_random(s);

	return steps_gicd_write(s, steps_cpu(s), GICD_CTLR, 4, value);
}

/* Whatever a guest can say, and some of what it cannot. */
static inline struct step steps_nonsense(struct steps *s)
{
	struct step p = { steps_chance(s, 50) ? STEP_GICD_READ : STEP_GICD_WRITE, steps_cpu(s),
		          steps_below(s, GICD_SIZE), 1u << steps_below(s, 4), steps_random(s) };

	if (steps_chance(s, 25)) {
		p.kind = p.kind == STEP_GICD_READ ? STEP_GICC_READ : STEP_GICC_WRITE;
		p.offset = steps_below(s, steps_chance(s, 80) ? 0x40 : GICC_SIZE);
	}
	if (steps_chance(s, 40)) {
		p.width = 4;
		p.offset &= ~3u;
	}
	if (steps_chance(s, 2))
		p.offset = (u32)steps_random(s);
	if (p.kind == STEP_GICD_READ || p.kind == STEP_GICC_READ)
		p.value = 0;
	return p;
}

static inline struct step steps_outside(struct steps *s)
{
	static const u8 kinds[] = { STEP_RESET, STEP_MOVE,   STEP_MOVE,   STEP_MOVE,
		                    STEP_KEEP,  STEP_REWIND, STEP_REWIND, STEP_COMPARE };

	return (struct step){ .kind = kinds[steps_below(s, ARRAY_SIZE(kinds))] };
}

static inline void steps_add(struct steps *s, struct step p)
{
	if (s->nr_ahead < STEPS_AHEAD)
		s->ahead[s->nr_ahead++] = p;
}

static inline void steps_know(struct steps *s)
{
	u32 spis = s->nr_irqs < GIC_INTIDS_MAX ? s->nr_irqs : GIC_INTIDS_MAX;

	for (u32 i = 0; i < STEPS_KNOWN; i++) {
		if (i < 3)
			s->known[i] = steps_below(s, 16);
		else if (i < 5 || spis == GIC_NR_PRIVATE)
			s->known[i] = 16 + steps_below(s, 16);
		else
			s->known[i] = 32 + steps_below(s, spis - 32);
	}
	/* The first and the last of a word, and the last of all. */
	s->known[STEPS_KNOWN - 1] = spis - 1;
	if (spis > GIC_NR_PRIVATE)
		s->known[STEPS_KNOWN - 2] = 32 * (1 + steps_below(s, s->nr_irqs / 32 - 1));
}

static inline u32 steps_targets(struct steps *s)
{
	u32 cpus = 1u << steps_cpu(s);

	if (steps_chance(s, 60))
		cpus |= (u32)steps_random(s) & 0xff;
	return cpus;
}

/* A guest that starts: it enables what it knows. */
static inline void steps_boot(struct steps *s)
{
	steps_know(s);
	for (u32 i = 0; i < STEPS_KNOWN; i++) {
		u32 id = s->known[i], cpu = steps_cpu(s), bit = 1u << id % 32;

		steps_add(s, steps_byte(s, GICD_IPRIORITYR, id, steps_priority(s)));
		steps_add(s, steps_byte(s, GICD_ITARGETSR, id, steps_targets(s)));
		steps_add(s, steps_gicd_write(s, cpu, GICD_ISENABLER + id / 32 * 4, 4, bit));
		if (steps_chance(s, 30))
			steps_add(s, steps_gicd_write(s, cpu, GICD_IGROUPR + id / 32 * 4, 4, bit));
		if (steps_chance(s, 60))
			steps_add(s, steps_config(s));
	}
	for (u32 cpu = 0; cpu < s->nr_cpus; cpu++) {
		steps_add(s, steps_gicc_write(s, cpu, GICC_PMR, 0xff));
		steps_add(s, steps_gicc_write(s, cpu, GICC_CTLR, steps_ctlr(s)));
		if (steps_chance(s, 40))
			steps_add(s, steps_gicc_write(s, cpu, GICC_BPR, steps_point(s)));
		if (steps_chance(s, 40))
			steps_add(s, steps_gicc_write(s, cpu, GICC_ABPR, steps_point(s)));
	}
	steps_add(s, steps_gicd_write(s, 0, GICD_CTLR, 4, 3));
}

static inline struct step steps_aim(struct steps *s)
{
	return steps_byte(s, GICD_ITARGETSR, steps_spi(s), steps_targets(s));
}

static inline struct step steps_set_up(struct steps *s)
{
	static const u32 set[] = { GICD_IGROUPR, GICD_ISENABLER, GICD_ISENABLER, GICD_ISENABLER,
		                   GICD_ICENABLER };
	u32 what = steps_below(s, 10);

	if (what < ARRAY_SIZE(set))
		return steps_bit(s, set[what]);
	if (what < 8)
		return steps_byte(s, GICD_IPRIORITYR, steps_id(s), steps_priority(s));
	return what < 9 ? steps_config(s) : steps_forwarding(s);
}

static inline struct step steps_state(struct steps *s)
{
	static const u32 state[] = { GICD_ISPENDR, GICD_ISPENDR,   GICD_ISPENDR,   GICD_ICPENDR,
		                     GICD_ICPENDR, GICD_ISACTIVER, GICD_ICACTIVER, GICD_ICACTIVER };

	return steps_bit(s, state[steps_below(s, ARRAY_SIZE(state))]);
}

static const struct {
	u32 weight;
	struct step (*make)(struct steps *s);
} steps_made[] = {
	{ 200, steps_line },        { 90, steps_send },      { 15, steps_sources },
	{ 230, steps_acknowledge }, { 180, steps_end },      { 60, steps_deactivate },
	{ 70, steps_peek },         { 70, steps_state },     { 50, steps_set_up },
	{ 25, steps_aim },          { 20, steps_interface }, { 25, steps_nonsense },
	{ 3, steps_outside },
};

static inline void steps_init(struct steps *s, u64 seed, const struct gic_config *cfg)
{
	*s = (struct steps){ .random = seed, .nr_cpus = cfg->nr_cpus, .nr_irqs = cfg->nr_irqs };
}

static inline struct step steps_next(struct steps *s)
{
	u32 all = 0, at, i = 0;

	if (s->ahead_at < s->nr_ahead)
		return s->ahead[s->ahead_at++];
	s->ahead_at = s->nr_ahead = 0;
	if (s->episode == 0) {
		s->episode = 100 + steps_below(s, 1500);
		if (steps_chance(s, 70))
			steps_add(s, (struct step){ .kind = STEP_RESET });
		steps_boot(s);
		return s->ahead[s->ahead_at++];
	}
	s->episode--;
	for (i = 0; i < ARRAY_SIZE(steps_made); i++)
		all += steps_made[i].weight;
	at = steps_below(s, all);
	for (i = 0; at >= steps_made[i].weight; i++)
		at -= steps_made[i].weight;
	return steps_made[i].make(s);
}

/* What came of it: @p with the value that was read. */
static inline void steps_saw(struct steps *s, const struct step *p)
{
	bool acknowledged = p->kind == STEP_GICC_READ && p->width == 4 &&
	                    (p->offset == GICC_IAR || p->offset == GICC_AIAR);

	if (acknowledged && (p->value & 0x3ff) < GIC_INTIDS_MAX)
		steps_put(&s->taken[p->cpu], (u32)p->value);
}

#endif /* TESTS_UNIT_GIC_STEPS_H */
