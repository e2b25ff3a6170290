/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "vcpu/gate.h"

void gate_init(struct gate *g, void (*parked)(void *ctx), void *ctx)
{
	*g = (struct gate){ .parked = parked, .ctx = ctx };
	atomic_init(&g->events, 0);
	atomic_init(&g->where, GATE_GONE);
	mutex_init(&g->lock);
	cond_init(&g->changed);
}

void gate_done(struct gate *g)
{
	cond_done(&g->changed);
	mutex_done(&g->lock);
}

void gate_open(struct gate *g)
{
	atomic_store(&g->where, GATE_OUT);
}

void gate_close(struct gate *g)
{
	bool held;

	mutex_lock(&g->lock);
	atomic_store(&g->where, GATE_GONE);
	held = g->holds > 0;
	mutex_unlock(&g->lock);
	if (held)
		g->parked(g->ctx);
}

u32 gate_overtakes(u32 event)
{
	const u32 asked = GATE_ON | GATE_SUSPEND | GATE_ANSWER | GATE_WAKE;

	switch (event) {
	case GATE_RESET:
		return GATE_OFF | asked;
	case GATE_OFF:
		return GATE_RESET | asked;
	case GATE_ON:
		return GATE_WAKE;
	case GATE_SUSPEND:
		return GATE_ANSWER | GATE_WAKE;
	case GATE_ANSWER:
		return GATE_SUSPEND | GATE_WAKE;
	default:
		return 0;
	}
}

static u32 after(u32 pending, u32 events)
{
	while (events) {
		u32 event = events & -events;

		pending = (pending & ~gate_overtakes(event)) | event;
		events &= ~event;
	}
	return pending;
}

bool gate_post(struct gate *g, u32 events)
{
	u32 pending = atomic_load_explicit(&g->events, memory_order_relaxed);
	u32 where;

	assert(!(events & ~GATE_EVENTS));
	/* Written even when it changes nothing: what was stored before goes with it. */
	while (!atomic_compare_exchange_weak(&g->events, &pending, after(pending, events)))
		;
	/* All of it was pending: who posted that tells the vCPU, which has taken none of it yet. */
	if (after(pending, events) == pending)
		return false;

	where = atomic_load(&g->where);
	if (where == GATE_PARKED) {
		mutex_lock(&g->lock); /* it waits by now, or has seen the event */
		cond_broadcast(&g->changed);
		mutex_unlock(&g->lock);
	}
	return where == GATE_IN_GUEST;
}

u32 gate_pending(const struct gate *g)
{
	return atomic_load(&g->events);
}

bool gate_enter(struct gate *g)
{
	atomic_store(&g->where, GATE_IN_GUEST);
	if (atomic_load(&g->events) == 0)
		return true;
	atomic_store(&g->where, GATE_OUT);
	return false;
}

void gate_leave(struct gate *g)
{
	atomic_store_explicit(&g->where, GATE_OUT, memory_order_release);
}

/* Which events may be taken now. */
static u32 acceptable(u32 pending)
{
	return pending & GATE_HOLD ? GATE_EXIT | GATE_UNDER_HOLD : GATE_EVENTS;
}

static bool may_go(u32 pending, bool asleep)
{
	return (pending & acceptable(pending)) || !(pending & GATE_HOLD || asleep);
}

u32 gate_take(struct gate *g, bool asleep)
{
	bool told = false;
	u32 pending, take;

	mutex_lock(&g->lock);
	while (!may_go(pending = atomic_load(&g->events), asleep)) {
		if (atomic_load_explicit(&g->where, memory_order_relaxed) != GATE_PARKED) {
			/* Then look again: who posted before this did not know to wake us. */
			atomic_store(&g->where, GATE_PARKED);
		} else if ((pending & GATE_HOLD) && !told) {
			told = true;
			mutex_unlock(&g->lock);
			g->parked(g->ctx);
			mutex_lock(&g->lock);
		} else {
			cond_wait(&g->changed, &g->lock);
		}
	}
	/* Before the events are taken: what is posted from here on is seen by gate_enter(). */
	atomic_store(&g->where, GATE_OUT);
	take = acceptable(pending);
	pending = atomic_fetch_and(&g->events, ~take);
	mutex_unlock(&g->lock);
	return pending & take;
}

bool gate_hold(struct gate *g)
{
	bool kick = false;

	mutex_lock(&g->lock);
	if (g->holds++ == 0) {
		atomic_fetch_or(&g->events, GATE_HOLD);
		kick = atomic_load(&g->where) == GATE_IN_GUEST;
	}
	mutex_unlock(&g->lock);
	return kick;
}

bool gate_held(struct gate *g)
{
	bool held = false;

	mutex_lock(&g->lock);
	switch (atomic_load(&g->where)) {
	case GATE_PARKED:
		held = g->holds > 0 && !(atomic_load(&g->events) & GATE_UNDER_HOLD);
		break;
	case GATE_GONE:
		held = g->holds > 0;
		break;
	default:
		break;
	}
	mutex_unlock(&g->lock);
	return held;
}

void gate_release(struct gate *g)
{
	mutex_lock(&g->lock);
	assert(g->holds > 0);
	if (--g->holds == 0) {
		atomic_fetch_and(&g->events, ~(u32)GATE_HOLD);
		cond_broadcast(&g->changed);
	}
	mutex_unlock(&g->lock);
}

enum gate_where gate_where(const struct gate *g)
{
	return (enum gate_where)atomic_load(&g->where);
}
