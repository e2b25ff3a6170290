/* SPDX-License-Identifier: MIT */
/* Locks, conditions and atomics of a model, each a step of its own. */
#include <stdlib.h>
#include <string.h>

#include "tests/model/engine_private.h"

void engine_flush(struct thread *t)
{
	struct buffered b = t->buffered[0];

	memcpy(b.p, &b.value, b.size); /* little-endian, as all hosts are that it is built for */
	t->nr_buffered--;
	memmove(&t->buffered[0], &t->buffered[1], t->nr_buffered * sizeof(b));
	t->buffered[t->nr_buffered] = (struct buffered){ 0 };
}

static void engine_drain(struct thread *t)
{
	while (t->nr_buffered)
		engine_flush(t);
	memset(t->early, 0, sizeof(t->early));
	memset(t->was, 0, sizeof(t->was));
}

void model_lock(struct mutex *l, const char *text)
{
	engine_pause(WAIT_LOCK, l, text);
	l->owner = engine_e.current + 1;
	engine_self()->locks++;
	engine_say("lock", l, text, 0, "");
}

/*
 * No step of its own: nobody can have noticed anything between what came before
 * and this but the lock, and who waits for that may as well wait a little longer.
 */
void model_unlock(struct mutex *l, const char *text)
{
	model_check(l->owner == engine_e.current + 1, "unlock of %s, which it does not have", text);
	engine_drain(engine_self());
	l->owner = 0;
	engine_self()->locks--;
	engine_say("unlock", l, text, 0, "");
}

void model_assert_held(const struct mutex *l, const char *text)
{
	model_check(l->owner == engine_e.current + 1, "%s is not held", text);
}

void model_cond_wait(struct cond *c, struct mutex *l, const char *text)
{
	struct thread *t = engine_self();

	engine_say("wait for", c, text, 0, "");
	model_unlock(l, text);
	c->waiters |= 1u << engine_e.current;
	t->lock = l;
	engine_pause(WAIT_COND, c, text);
	t->lock = NULL;
	l->owner = engine_e.current + 1;
	t->locks++;
	engine_say("woken by", c, text, 0, "");
}

void model_broadcast(struct cond *c, const char *text)
{
	if (!engine_self()->locks)
		model_step(text);
	c->waiters = 0;
	engine_say("broadcast", c, text, 0, "");
}

void model_atomic(const void *p, size_t size)
{
	if (engine_e.nr_atomics == ATOMICS || size > sizeof(u32))
		abort();
	engine_e.atomics[engine_e.nr_atomics++] = (struct atomic){ .p = p, .size = size };
}

static u64 peek(const void *p, size_t size)
{
	u64 v = 0;

	memcpy(&v, p, size);
	return v;
}

static void remember_all_values(struct thread *t)
{
	for (u32 i = 0; i < engine_e.nr_atomics; i++) {
		t->early[i] = true;
		t->was[i] = (u32)peek(engine_e.atomics[i].p, engine_e.atomics[i].size);
	}
}

/* Return: which of the atomics, ATOMICS: one that was never initialised. */
static u32 atomic_at(const void *p)
{
	u32 i = 0;

	while (i < engine_e.nr_atomics && engine_e.atomics[i].p != p)
		i++;
	model_check(i < engine_e.nr_atomics, "an atomic without atomic_init()");
	return i;
}

u64 model_load(const void *p, size_t size, int order, const char *text)
{
	struct thread *t = engine_self();
	u32 n = atomic_at(p);
	u64 v;

	engine_pause(WAIT_NOTHING, p, text);
	v = peek(p, size);
	if (t->early[n] && t->was[n] != v &&
	    model_choose(2, "this load comes before the write above") == 1)
		v = t->was[n];
	for (u32 i = 0; i < t->nr_buffered; i++)
		if (t->buffered[i].p == p)
			v = t->buffered[i].value;
	engine_say("read", p, text, v, "");
	return v;
}

void model_store(void *p, size_t size, u64 value, int order, const char *text)
{
	struct thread *t = engine_self();

	engine_pause(WAIT_NOTHING, p, text);
	if (order == memory_order_seq_cst || t->nr_buffered == BUFFERED)
		engine_drain(t);
	t->buffered[t->nr_buffered++] =
		(struct buffered){ .p = p, .size = (u32)size, .value = (u32)value };
	engine_say("write", p, text, value, order == memory_order_seq_cst ? "" : "  (seen later)");
	if (order == memory_order_seq_cst || !engine_e.inside)
		engine_drain(t);
}

/* A weak one lets what is behind it go first: so it begins a step earlier. */
static void begin_rmw(void *p, size_t size, int order, const char *text)
{
	struct thread *t = engine_self();
	u64 before;

	engine_pause(WAIT_NOTHING, p, text);
	engine_drain(t);
	if (order == memory_order_seq_cst)
		return;
	remember_all_values(t);
	before = peek(p, size);
	engine_pause(WAIT_NOTHING, p, text);
	/* With acquire nothing behind it comes before its own load, which saw another value now. */
	if (before != peek(p, size) && order != memory_order_relaxed &&
	    order != memory_order_release)
		engine_drain(t);
	t->early[atomic_at(p)] = false;
}

u64 model_rmw(void *p, size_t size, enum model_rmw op, u64 value, int order, const char *text)
{
	u64 old, v;

	begin_rmw(p, size, order, text);
	old = peek(p, size);
	switch (op) {
	case MODEL_SET:
		v = value;
		break;
	case MODEL_ADD:
		v = old + value;
		break;
	case MODEL_SUB:
		v = old - value;
		break;
	case MODEL_OR:
		v = old | value;
		break;
	case MODEL_AND:
		v = old & value;
		break;
	case MODEL_XOR:
	default:
		v = old ^ value;
		break;
	}
	memcpy(p, &v, size);
	engine_say("read", p, text, old, ", in one step with:");
	engine_say("write", p, text, v, "");
	return old;
}

bool model_cas(void *p, size_t size, void *expected, u64 desired, int order, const char *text)
{
	u64 old;

	begin_rmw(p, size, order, text);
	old = peek(p, size);
	if (old != peek(expected, size)) {
		memcpy(expected, &old, size);
		engine_say("exchange fails, it is", p, text, old, "");
		return false;
	}
	memcpy(p, &desired, size);
	engine_say("exchange", p, text, desired, "");
	return true;
}

void model_fence(int order)
{
	model_step("fence");
	if (order == memory_order_seq_cst)
		engine_drain(engine_self());
}
