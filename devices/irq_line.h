/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_IRQ_LINE_H
#define DEVICES_IRQ_LINE_H

#include "machine/base/types.h"

/*
 * One wire from a device to an interrupt controller. The device knows the wire
 * and not what is at the far end; tests put a counter there. set() may be
 * called from any thread, with the device's lock held.
 */
struct irq_line {
	void (*set)(void *ctx, u32 intid, bool level);
	void *ctx;
	u32 intid; /* GIC interrupt ID, 0..1019 */
};

static inline void irq_line_set(const struct irq_line *line, bool level)
{
	line->set(line->ctx, line->intid, level);
}

/* For a wire that the device tree calls edge-triggered: one rising edge. */
static inline void irq_line_pulse(const struct irq_line *line)
{
	line->set(line->ctx, line->intid, true);
	line->set(line->ctx, line->intid, false);
}

#endif /* DEVICES_IRQ_LINE_H */
