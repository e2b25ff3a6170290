/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "irqchip/gic_user.h"
#include "machine/base/bits.h"
#include "machine/base/lock.h"

struct gic_user {
	struct gic_user_config cfg;
	const struct gic_user_ops *ops;
	void *ctx;
	struct mutex lock;
	struct gic *gic GUARDED_BY(lock);
	atomic_uint out[GIC_CPUS_MAX]; /* GIC_OUT_* | WAKES; written under the lock, read without */
};

enum { LINES = GIC_OUT_IRQ | GIC_OUT_FIQ, WAKES = 1 << 8 };

/* Does its CPU want to know? A reason to wake up that is gone it finds out itself. */
static bool matters(u32 was, u32 now)
{
	return ((was ^ now) & LINES) || (now & ~was & WAKES);
}

/* Return: the CPUs that are to be told, but for @self. */
static u32 publish(struct gic_user *u, u32 self) REQUIRES(u->lock)
{
	u32 told = 0;

	for (u32 left = gic_take_changed(u->gic); left; left &= left - 1) {
		u32 cpu = lowest_bit(left), was, now;

		was = atomic_load_explicit(&u->out[cpu], memory_order_relaxed);
		now = gic_output(u->gic, cpu) | (gic_wakes(u->gic, cpu) ? WAKES : 0);
		atomic_store_explicit(&u->out[cpu], now, memory_order_release);
		if (matters(was, now))
			told |= 1u << cpu;
	}
	return self == GIC_NO_CPU ? told : told & ~(1u << self);
}

/* Not under the lock: they are kicked, which is a system call. */
static void tell(struct gic_user *u, u32 cpus) EXCLUDES(u->lock)
{
	for (; cpus; cpus &= cpus - 1)
		u->ops->changed(u->ctx, lowest_bit(cpus));
}

/* Return: false when it is a miss. An access is whole inside, or it is one. */
static bool is_in(gpa_t base, u32 size, gpa_t gpa, u32 width, u32 *offset)
{
	u64 off = gpa - base; /* wraps to a huge value below base */

	if (off >= size || width > size - off)
		return false;
	*offset = (u32)off;
	return true;
}

bool gic_user_read(struct gic_user *u, u32 cpu, gpa_t gpa, u32 width, u64 *value)
{
	u32 offset, others;
	bool at_cpu = is_in(u->cfg.gicc, GICC_SIZE, gpa, width, &offset);

	if (!at_cpu && !is_in(u->cfg.gicd, GICD_SIZE, gpa, width, &offset))
		return false;
	mutex_lock(&u->lock);
	*value = at_cpu ? gicc_read(u->gic, cpu, offset, width)
	                : gicd_read(u->gic, cpu, offset, width);
	others = publish(u, cpu);
	mutex_unlock(&u->lock);
	tell(u, others);
	return true;
}

bool gic_user_write(struct gic_user *u, u32 cpu, gpa_t gpa, u32 width, u64 value)
{
	u32 offset, others;
	bool at_cpu = is_in(u->cfg.gicc, GICC_SIZE, gpa, width, &offset);

	if (!at_cpu && !is_in(u->cfg.gicd, GICD_SIZE, gpa, width, &offset))
		return false;
	mutex_lock(&u->lock);
	if (at_cpu)
		gicc_write(u->gic, cpu, offset, width, value);
	else
		gicd_write(u->gic, cpu, offset, width, value);
	others = publish(u, cpu);
	mutex_unlock(&u->lock);
	tell(u, others);
	return true;
}

static void set_line(struct gic_user *u, u32 self, u32 intid, bool level) EXCLUDES(u->lock)
{
	u32 others;

	mutex_lock(&u->lock);
	gic_set_line(u->gic, self, intid, level);
	others = publish(u, self);
	mutex_unlock(&u->lock);
	tell(u, others);
}

void gic_user_set_private(struct gic_user *u, u32 cpu, u32 intid, bool level)
{
	set_line(u, cpu, intid, level);
}

static void set_shared(void *ctx, u32 intid, bool level)
{
	set_line(ctx, GIC_NO_CPU, intid, level);
}

struct irq_line gic_user_line(struct gic_user *u, u32 intid)
{
	return (struct irq_line){ set_shared, u, intid };
}

u32 gic_user_output(const struct gic_user *u, u32 cpu)
{
	return atomic_load_explicit(&u->out[cpu], memory_order_acquire) & LINES;
}

bool gic_user_wakes(const struct gic_user *u, u32 cpu)
{
	return atomic_load_explicit(&u->out[cpu], memory_order_acquire) & WAKES;
}

void gic_user_map(struct gic_user *u, u32 cpu, u32 intid, const struct hwirq_ops *ops, void *ctx)
{
	u32 cpus;

	mutex_lock(&u->lock);
	gic_map(u->gic, cpu, intid, ops, ctx);
	cpus = publish(u, GIC_NO_CPU);
	mutex_unlock(&u->lock);
	tell(u, cpus);
}

/* The held vCPUs look at their outputs before they enter the guest again: nobody is told. */
void gic_user_reset(struct gic_user *u)
{
	mutex_lock(&u->lock);
	gic_reset(u->gic);
	(void)publish(u, GIC_NO_CPU);
	mutex_unlock(&u->lock);
}

void gic_user_save(struct gic_user *u, struct gic_saved *out)
{
	mutex_lock(&u->lock);
	gic_save(u->gic, out);
	mutex_unlock(&u->lock);
}

int gic_user_load(struct gic_user *u, const struct gic_saved *saved)
{
	int err;

	mutex_lock(&u->lock);
	err = gic_load(u->gic, saved);
	(void)publish(u, GIC_NO_CPU);
	mutex_unlock(&u->lock);
	return err;
}

int gic_user_create(const struct gic_user_config *cfg, const struct gic_user_ops *ops, void *ctx,
                    struct gic_user **out)
{
	struct gic_user *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return -ENOMEM;
	err = gic_create(&cfg->gic, &u->gic);
	if (err < 0) {
		free(u);
		return err;
	}

	u->cfg = *cfg;
	u->ops = ops;
	u->ctx = ctx;
	mutex_init(&u->lock);
	for (u32 i = 0; i < GIC_CPUS_MAX; i++)
		atomic_init(&u->out[i], 0);
	*out = u;
	return 0;
}

void gic_user_destroy(struct gic_user *u)
{
	if (!u)
		return;
	mutex_done(&u->lock);
	gic_destroy(u->gic);
	free(u);
}
