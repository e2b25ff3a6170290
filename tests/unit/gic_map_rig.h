/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_GIC_MAP_RIG_H
#define TESTS_UNIT_GIC_MAP_RIG_H

#include "irqchip/gic.h"
#include "tests/unit/gic_regs.h"

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
