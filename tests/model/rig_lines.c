/* SPDX-License-Identifier: MIT */
/* irqchip/gic_user.c in small: what wires and guests do to the outputs of their CPUs. */
#include "tests/model/rig.h"

void rig_connect(struct rig *r)
{
	r->connected = true;
	mutex_init(&r->gic);
	for (u32 i = 0; i < r->nr; i++) {
		atomic_init(&r->cpu[i].output, 0);
		r->cpu[i].delivered = LINES_UNKNOWN;
	}
}

static void lock_shared(struct rig *r)
{
	if (r->shared)
		mutex_lock(&r->gic);
}

static void unlock_shared(struct rig *r)
{
	if (r->shared)
		mutex_unlock(&r->gic);
}

static void publish(struct cpu *c, u32 output)
{
	c->wires = output;
	atomic_store_explicit(&c->output, output, memory_order_release);
}

/* Alone it takes no lock, as releasing one keeps no load behind it from going first. */
void rig_wire(struct cpu *c, u32 line, bool level)
{
	u32 before, output;

	lock_shared(c->rig);
	before = c->wires;
	output = level ? before | line : before & ~line;
	if (output != before)
		publish(c, output);
	unlock_shared(c->rig);
	if (output != before)
		rig_post(c, GATE_LINES);
}

void rig_drop_wires(struct rig *r)
{
	lock_shared(r);
	for (u32 i = 0; i < r->nr; i++)
		publish(&r->cpu[i], 0);
	unlock_shared(r);
}

/* Its own change: nobody is told. */
void rig_acknowledge(struct cpu *c)
{
	u32 were;

	lock_shared(c->rig);
	were = c->wires;
	publish(c, 0);
	unlock_shared(c->rig);
	if (were)
		c->acknowledged = 1;
}
