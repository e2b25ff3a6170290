/* SPDX-License-Identifier: MIT */
#ifndef IRQCHIP_GICV2M_H
#define IRQCHIP_GICV2M_H

#include "devices/bus.h"
#include "devices/irq_line.h"
#include "machine/base/compiler.h"
#include "machine/base/types.h"

/*
 * A GICv2m frame: a write to one register raises an SPI, which makes a
 * message-signalled interrupt of it. Arm Server Base System Architecture
 * (DEN0029) appendix "GICv2m"; binding arm,gic.yaml, "arm,gic-v2m-frame".
 */
struct gicv2m;

/**
 * gicv2m_create - one frame
 * @first: first interrupt ID it hands out
 * @nr:    how many; @first + @nr is at most 1020
 * @line:  a wire to the GIC; set() is called with the interrupt ID that was
 *         written; edge; copied
 * @out:   owned by the caller, released with gicv2m_destroy()
 *
 * Return: 0 or -ENOMEM.
 */
must_check int gicv2m_create(u32 first, u32 nr, const struct irq_line *line, struct gicv2m **out);
void gicv2m_destroy(struct gicv2m *f);

/* The machine starts again. A frame remembers nothing, and its wires are low between two writes. */
must_check bool gicv2m_reset(void *dev);

extern const struct bus_ops gicv2m_bus_ops;

#endif /* IRQCHIP_GICV2M_H */
