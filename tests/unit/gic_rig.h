/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_GIC_RIG_H
#define TESTS_UNIT_GIC_RIG_H

#include "tests/unit/test.h"

#include <string.h>

#include "irqchip/gic.h"
#include "machine/base/compiler.h"
#include "tests/unit/gic_regs.h"

/* What most tests have: four CPUs, and a last SPI that is not the architecture's. */
enum { CPUS = 4, IRQS = 128 };
enum { PPI = 27, SPI = 40, SPI2 = 90 };

static inline struct gic *gic_of(u32 nr_cpus, u32 nr_irqs)
{
	const struct gic_config cfg = { .nr_cpus = nr_cpus, .nr_irqs = nr_irqs };
	struct gic *g = NULL;

	assert_int_equal(gic_create(&cfg, &g), 0);
	return g;
}

static inline int setup(void **state)
{
	*state = gic_of(CPUS, IRQS);
	return 0;
}

static inline int teardown(void **state)
{
	gic_destroy(*state);
	return 0;
}

/* A test that gets the GIC of setup(). */
#define gic_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static inline u32 dist(struct gic *g, u32 cpu, u32 offset)
{
	return (u32)gicd_read(g, cpu, offset, 4);
}

static inline void dist_set(struct gic *g, u32 cpu, u32 offset, u32 value)
{
	gicd_write(g, cpu, offset, 4, value);
}

static inline u32 cpuif(struct gic *g, u32 cpu, u32 offset)
{
	return (u32)gicc_read(g, cpu, offset, 4);
}

static inline void cpuif_set(struct gic *g, u32 cpu, u32 offset, u32 value)
{
	gicc_write(g, cpu, offset, 4, value);
}

/* The interrupt's bit of a register with one bit for each. */
static inline bool irq_bit(struct gic *g, u32 cpu, u32 first, u32 intid)
{
	return dist(g, cpu, first + intid / 32 * 4) >> (intid % 32) & 1;
}

static inline void irq_write(struct gic *g, u32 cpu, u32 first, u32 intid)
{
	dist_set(g, cpu, first + intid / 32 * 4, 1u << (intid % 32));
}

static inline void irq_set_priority(struct gic *g, u32 cpu, u32 intid, u32 priority)
{
	gicd_write(g, cpu, GICD_IPRIORITYR + intid, 1, priority);
}

static inline void irq_set_targets(struct gic *g, u32 intid, u32 targets)
{
	gicd_write(g, 0, GICD_ITARGETSR + intid, 1, targets);
}

static inline void irq_set_edge(struct gic *g, u32 intid, bool edge)
{
	u32 offset = GICD_ICFGR + intid / 16 * 4;
	u32 bit = 2u << (intid % 16 * 2);
	u32 old = dist(g, 0, offset);

	dist_set(g, 0, offset, edge ? old | bit : old & ~bit);
}

static inline void irq_set_group1(struct gic *g, u32 cpu, u32 intid, bool group1)
{
	u32 offset = GICD_IGROUPR + intid / 32 * 4;
	u32 bit = 1u << (intid % 32);
	u32 old = dist(g, cpu, offset);

	dist_set(g, cpu, offset, group1 ? old | bit : old & ~bit);
}

/* Both groups are on, and every priority but the lowest is good enough. */
static inline void gic_on(struct gic *g)
{
	u32 nr_cpus = (dist(g, 0, GICD_TYPER) >> 5 & 7) + 1;

	dist_set(g, 0, GICD_CTLR, ENABLE_GRP0 | ENABLE_GRP1);
	for (u32 cpu = 0; cpu < nr_cpus; cpu++) {
		cpuif_set(g, cpu, GICC_CTLR, ENABLE_GRP0 | ENABLE_GRP1);
		cpuif_set(g, cpu, GICC_PMR, 0xf8);
	}
}

/* Enabled, and for an SPI aimed at @targets. */
static inline void irq_on(struct gic *g, u32 cpu, u32 intid, u32 targets, u32 priority)
{
	irq_set_targets(g, intid, targets);
	irq_set_priority(g, cpu, intid, priority);
	irq_write(g, cpu, GICD_ISENABLER, intid);
}

/* Enabled, aimed at CPU 0 and pending. */
static inline void irq_pend(struct gic *g, u32 intid, u32 priority, bool group1)
{
	irq_set_group1(g, 0, intid, group1);
	irq_on(g, 0, intid, 1, priority);
	irq_write(g, 0, GICD_ISPENDR, intid);
}

/* xorshift32: the same states on every run. */
static inline u32 next_random(u32 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/*
 * One random step of a guest or a device, the same for the same seed.
 * Return: what was read, if anything was.
 */
static inline u64 gic_step(struct gic *g, u32 nr_cpus, u32 nr_irqs, u32 *seed)
{
	u32 cpu = next_random(seed) % nr_cpus;
	u32 intid = next_random(seed) % nr_irqs;
	u32 value = next_random(seed);

	switch (next_random(seed) % 8) {
	case 0:
	case 1:
		gicd_write(g, cpu, next_random(seed) % GICD_SIZE & ~3u, 4, value);
		return 0;
	case 2:
		irq_write(g, cpu, GICD_IGROUPR + next_random(seed) % 7 * 0x80, intid);
		return 0;
	case 3:
		gicd_write(g, cpu, GICD_IPRIORITYR + next_random(seed) % 0x800, 1, value);
		return 0;
	case 4:
		gicc_write(g, cpu, next_random(seed) % 0x34 & ~3u, 4, value);
		return 0;
	case 5:
		gic_set_line(g, cpu, intid, value & 1);
		return 0;
	case 6:
		return gicc_read(g, cpu, GICC_IAR, 4);
	default:
		gicc_write(g, cpu, value & 1 ? GICC_EOIR : GICC_DIR, 4, intid);
		return gicc_read(g, cpu, next_random(seed) % 0x30 & ~3u, 4);
	}
}

static inline void gic_scramble(struct gic *g, u32 nr_cpus, u32 nr_irqs, u32 seed, u32 steps)
{
	while (steps--)
		(void)gic_step(g, nr_cpus, nr_irqs, &seed);
}

/* The whole state is what it was; @what says when it is not. */
static inline void assert_same_state(const struct gic *g, const struct gic_saved *was,
                                     const char *what, u32 number)
{
	struct gic_saved now;

	gic_save(g, &now);
	if (memcmp(&now, was, sizeof(now)) != 0)
		fail_msg("%s %#x changed something", what, number);
}

#endif /* TESTS_UNIT_GIC_RIG_H */
