/* SPDX-License-Identifier: MIT */
#ifndef IRQCHIP_GIC_USER_H
#define IRQCHIP_GIC_USER_H

#include "devices/irq_line.h"
#include "irqchip/gic.h"
#include "machine/base/compiler.h"
#include "machine/base/types.h"

/*
 * irqchip/gic.h at work in a machine (--irqchip=user): its addresses, the lock
 * that vCPU threads and devices share it under, and the outputs, one word for
 * each CPU, which a CPU's thread reads without the lock before it enters the
 * guest. Nobody but that thread drives the CPU's lines: who changes another
 * CPU's output publishes it first and then says so (ops->changed).
 */
struct gic_user;

struct gic_user_ops {
	/*
	 * gic_user_output() of @cpu has changed, or gic_user_wakes() is true now, and
	 * not by an access or a private wire of its own. On the thread that changed it, no lock of ours held; it
	 * may be out of date already.
	 */
	void (*changed)(void *ctx, u32 cpu);
};

struct gic_user_config {
	struct gic_config gic;
	gpa_t gicd, gicc; /* GICD_SIZE and GICC_SIZE bytes */
};

enum { GIC_NO_CPU = ~0u }; /* for a thread that is no vCPU's */

/**
 * gic_user_create - after its reset, all wires low
 * @cfg: copied
 * @ops: kept
 * @ctx: handed to @ops
 * @out: owned by the caller, released with gic_user_destroy()
 *
 * Return: 0, -EINVAL, -ENOMEM; see gic_create().
 */
must_check int gic_user_create(const struct gic_user_config *cfg, const struct gic_user_ops *ops,
                               void *ctx, struct gic_user **out);
void gic_user_destroy(struct gic_user *u);

/* The machine starts again; every vCPU is held. See gic_reset(). */
void gic_user_reset(struct gic_user *u);

/**
 * gic_user_read, gic_user_write - one access of a vCPU's
 * @cpu: whose thread this is
 * @gpa: any
 *
 * Return: false when the address is none of ours; @value is untouched then.
 */
bool gic_user_read(struct gic_user *u, u32 cpu, gpa_t gpa, u32 width, u64 *value);
bool gic_user_write(struct gic_user *u, u32 cpu, gpa_t gpa, u32 width, u64 value);

/* A private interrupt's wire; on the CPU's own thread. See gic_set_line(). */
void gic_user_set_private(struct gic_user *u, u32 cpu, u32 intid, bool level);

/* A wire to an SPI; any thread may move it. Lives as long as @u. */
struct irq_line gic_user_line(struct gic_user *u, u32 intid);

/* GIC_OUT_* that the CPU's lines are to have. Any thread; see above for whom it is current. */
u32 gic_user_output(const struct gic_user *u, u32 cpu);
/* Likewise: something is there to wake the CPU from a power state; see gic_wakes(). */
bool gic_user_wakes(const struct gic_user *u, u32 cpu);

/* See gic_map(). @ops are called under this one's lock, on any thread. */
void gic_user_map(struct gic_user *u, u32 cpu, u32 intid, const struct hwirq_ops *ops, void *ctx);

/* See gic_save() and gic_load(); every vCPU is held for the latter. */
void gic_user_save(struct gic_user *u, struct gic_saved *out);
must_check int gic_user_load(struct gic_user *u, const struct gic_saved *saved);

#endif /* IRQCHIP_GIC_USER_H */
