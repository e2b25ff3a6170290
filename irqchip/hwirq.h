/* SPDX-License-Identifier: MIT */
#ifndef IRQCHIP_HWIRQ_H
#define IRQCHIP_HWIRQ_H

#include "machine/base/types.h"

/*
 * The physical interrupt behind a mapped one: a host timer's, a passed-through
 * device's. It is taken by the host, stays active there (which masks it) while
 * the guest handles its virtual twin, and is deactivated when the guest is done.
 *
 * All three are called with the controller's lock held: they neither wait nor
 * call back.
 */
struct hwirq_ops {
	void (*set_active)(void *ctx, bool active);
	void (*set_pending)(void *ctx, bool pending);
	bool (*line_level)(void *ctx); /* what the device's wire says now */
};

#endif /* IRQCHIP_HWIRQ_H */
