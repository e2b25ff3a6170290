/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_GIC_MAP_RIG_H
#define TESTS_UNIT_GIC_MAP_RIG_H

#include "irqchip/gic.h"

enum {
	GICD_CTLR = 0x000,
	GICD_IGROUPR = 0x080,
	GICD_ISENABLER = 0x100,
	GICD_ICENABLER = 0x180,
	GICD_ISPENDR = 0x200,
	GICD_ICPENDR = 0x280,
	GICD_ISACTIVER = 0x300,
	GICD_ICACTIVER = 0x380,
	GICD_IPRIORITYR = 0x400,
	GICD_ITARGETSR = 0x800,
	GICD_ICFGR = 0xc00,
	GICC_CTLR = 0x00,
	GICC_PMR = 0x04,
	GICC_IAR = 0x0c,
	GICC_EOIR = 0x10,
	GICC_AEOIR = 0x24,
	GICC_APR0 = 0xd0,
	GICC_DIR = 0x1000,
	EOIMODE = 1 << 9,
};

/* The physical side: told to, or by the host; it writes down what reaches it. */
struct phys {
	bool active, level;
	bool wrong; /* activated while it was active, or the other way round */
	char log[16]; /* A: activated, D: deactivated, P, p: made pending, or not; L: asked */
	u32 nr;
};

static inline void phys_note(struct phys *p, char what)
{
	if (p->nr < sizeof(p->log) - 1)
		p->log[p->nr++] = what;
}

static inline void phys_set_active(void *ctx, bool active)
{
	struct phys *p = ctx;

	p->wrong |= p->active == active;
	p->active = active;
	phys_note(p, active ? 'A' : 'D');
}

static inline void phys_set_pending(void *ctx, bool pending)
{
	phys_note(ctx, pending ? 'P' : 'p');
}

static inline bool phys_line_level(void *ctx)
{
	struct phys *p = ctx;

	p->wrong |= p->active; /* only asked when it has been deactivated */
	phys_note(p, 'L');
	return p->level;
}

static const struct hwirq_ops phys_ops = { phys_set_active, phys_set_pending, phys_line_level };

#endif /* TESTS_UNIT_GIC_MAP_RIG_H */
