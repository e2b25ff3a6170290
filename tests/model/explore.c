/* SPDX-License-Identifier: MIT */
/* Every state that a scenario can come into, each of them once, the nearest first. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/engine.h"

/* Not the model's memory. */
#undef calloc
#undef free
#undef malloc

enum {
	SLOTS_AT_FIRST = 1 << 16, /* of the hash table; a power of two */
	STATES_MAX = 40 * 1000 * 1000,
	NONE = 0xffffffff,
};

/* Not the state, which only those have that are still to be looked at: its hash, and how one comes there. */
struct state {
	u64 hash[2];
	u32 from;
	u32 depth;
	struct engine_move move;
	bool leads_to_end; /* see mark_those_that_end() */
};

struct edge {
	u32 from, to;
};

/* Grows; who runs out of memory ends the program: it is a test. */
struct array {
	void *p;
	size_t nr, room, size;
};

struct queued {
	u8 *bytes;
	u32 state;
};

struct exploration {
	struct array states, edges, ends; /* struct state, struct edge, u32 */
	struct array queue; /* struct queued */
	size_t head; /* of queue */
	u32 *slots; /* state's number, or NONE */
	u32 nr_slots;
	u8 now[ENGINE_STATE_MAX], next[ENGINE_STATE_MAX];
	struct model_result r;
};

static void *must_have(void *p)
{
	must0(!p);
	return p;
}

static void *push(struct array *a)
{
	if (a->nr == a->room) {
		a->room = a->room ? 2 * a->room : 1024;
		a->p = must_have(realloc(a->p, a->room * a->size));
	}
	return (char *)a->p + a->size * a->nr++;
}

static struct state *state_at(struct exploration *x, u32 i)
{
	return (struct state *)x->states.p + i;
}

/*
 * Two lanes of 64 bits. States are told apart by these alone: with 40 million of
 * them the odds that two are taken for one are below 1 in 10^23.
 */
static void hash(const u8 *p, size_t len, u64 out[2])
{
	u64 a = 0x9e3779b97f4a7c15, b = len, word;

	for (size_t i = 0; i < len; i += sizeof(word)) {
		word = 0;
		memcpy(&word, p + i, len - i < sizeof(word) ? len - i : sizeof(word));
		a = (a ^ word) * 0xff51afd7ed558ccd;
		a ^= a >> 32;
		b = (b + word) * 0xc4ceb9fe1a85ec53;
		b ^= b >> 29;
	}
	out[0] = a;
	out[1] = b;
}

static u32 *slot_of(struct exploration *x, const u64 h[2])
{
	u32 i = (u32)h[0] & (x->nr_slots - 1);

	while (x->slots[i] != NONE &&
	       memcmp(state_at(x, x->slots[i])->hash, h, sizeof(u64[2])) != 0)
		i = (i + 1) & (x->nr_slots - 1);
	return &x->slots[i];
}

static void make_slots(struct exploration *x, u32 nr)
{
	free(x->slots);
	x->nr_slots = nr;
	x->slots = must_have(malloc(nr * sizeof(*x->slots)));
	memset(x->slots, 0xff, nr * sizeof(*x->slots));
	for (u32 i = 0; i < x->states.nr; i++)
		*slot_of(x, state_at(x, i)->hash) = i;
}

/* The state in x->next. Return: its number. */
static u32 arrive(struct exploration *x, size_t len, u32 from, struct engine_move move,
                  enum engine_end end)
{
	struct state *s;
	u64 h[2];
	u32 *slot, n;

	hash(x->next, len, h);
	slot = slot_of(x, h);
	if (*slot != NONE)
		return *slot;

	n = (u32)x->states.nr;
	*slot = n;
	s = push(&x->states);
	*s = (struct state){ .hash = { h[0], h[1] }, .from = from, .move = move };
	s->depth = from == NONE ? 0 : state_at(x, from)->depth + 1;
	x->r.depth = s->depth;
	if (end == ENGINE_DONE) {
		*(u32 *)push(&x->ends) = n;
	} else {
		struct queued *q = push(&x->queue);

		q->state = n;
		q->bytes = memcpy(must_have(malloc(len)), x->next, len);
	}
	if (x->states.nr * 2 > x->nr_slots)
		make_slots(x, 2 * x->nr_slots);
	return n;
}

/* From the first state to this one, said step by step. */
static void show_way(struct exploration *x, const struct model_scenario *s, u32 to,
                     const struct engine_move *last)
{
	u32 depth = state_at(x, to)->depth;
	u32 *way = must_have(malloc((depth + 1) * sizeof(*way)));

	for (u32 i = depth, n = to; n != NONE; n = state_at(x, n)->from)
		way[i--] = n;

	engine_reset();
	s->build(s->size);
	engine_trace(true);
	for (u32 i = 1; i <= depth; i++)
		(void)engine_make(state_at(x, way[i])->move);
	if (last)
		(void)engine_make(*last);
	printf("# there:\n");
	engine_say_all();
	engine_trace(false);
	free(way);
}

static void wrong(struct exploration *x, const struct model_scenario *s, const char *why, u32 state,
                  const struct engine_move *last)
{
	x->r.failed = true;
	printf("# %s: %s\n# the way to it, a shortest one:\n", s->name, why);
	show_way(x, s, state, last);
}

/* All steps from one state. Return: false when one of them is wrong. */
static bool expand(struct exploration *x, const struct model_scenario *s, struct queued q)
{
	struct engine_move moves[ENGINE_MOVES];
	bool deadlock = true;
	u32 nr;

	engine_restore(q.bytes);
	nr = engine_moves(moves);
	for (u32 i = 0; i < nr; i++) {
		enum engine_end end;
		u32 to;

		if (i > 0)
			engine_restore(q.bytes);
		end = engine_make(moves[i]);
		x->r.steps++;
		if (end == ENGINE_WRONG) {
			char why[256];

			(void)snprintf(why, sizeof(why), "%s", engine_why());
			wrong(x, s, why, q.state, &moves[i]);
			return false;
		}
		to = arrive(x, engine_save(x->next), q.state, moves[i], end);
		if (moves[i].kind == ENGINE_SPURIOUS)
			continue;
		deadlock = false;
		*(struct edge *)push(&x->edges) = (struct edge){ q.state, to };
	}
	if (deadlock)
		wrong(x, s, "deadlock, or a wake-up that got lost", q.state, NULL);
	return !deadlock;
}

/* Backwards from the ends, along all steps but spurious wake-ups. */
static void mark_those_that_end(struct exploration *x)
{
	const struct edge *e = x->edges.p;
	u32 nr = (u32)x->states.nr;
	u32 *first = must_have(calloc(nr + 2, sizeof(*first)));
	u32 *from = must_have(malloc((x->edges.nr + 1) * sizeof(*from)));
	struct array todo = x->ends;

	for (size_t i = 0; i < x->edges.nr; i++)
		first[e[i].to + 2]++;
	for (u32 i = 2; i < nr + 2; i++)
		first[i] += first[i - 1];
	for (size_t i = 0; i < x->edges.nr; i++)
		from[first[e[i].to + 1]++] = e[i].from;

	for (size_t i = 0; i < todo.nr; i++)
		state_at(x, ((u32 *)todo.p)[i])->leads_to_end = true;
	while (todo.nr) {
		u32 n = ((u32 *)todo.p)[--todo.nr];

		for (u32 i = first[n]; i < first[n + 1]; i++) {
			struct state *s = state_at(x, from[i]);

			if (s->leads_to_end)
				continue;
			s->leads_to_end = true;
			*(u32 *)push(&todo) = from[i];
		}
	}
	x->ends = todo;
	free(first);
	free(from);
}

static void look_for_livelocks(struct exploration *x, const struct model_scenario *s)
{
	mark_those_that_end(x);
	for (u32 i = 0; i < x->states.nr; i++) {
		if (!state_at(x, i)->leads_to_end) {
			wrong(x, s, "livelock: from here on no end can be reached", i, NULL);
			return;
		}
	}
}

static void look_for_what_never_happened(struct exploration *x, const struct model_scenario *s)
{
	for (u32 i = 0; i < ARRAY_SIZE(s->expect) && s->expect[i]; i++) {
		if (!engine_seen(s->expect[i])) {
			printf("# %s: never happened: %s\n", s->name, s->expect[i]);
			x->r.failed = true;
		}
	}
}

static bool explore(struct exploration *x, const struct model_scenario *s)
{
	static const struct engine_move none;

	engine_reset();
	s->build(s->size);
	(void)arrive(x, engine_save(x->next), NONE, none, engine_state());
	while (x->head < x->queue.nr) {
		struct queued q = ((struct queued *)x->queue.p)[x->head++];
		bool fine = expand(x, s, q);

		free(q.bytes);
		if (!fine)
			return false;
		if (x->states.nr >= STATES_MAX) {
			x->r.limit = "number of states";
			x->r.failed = true;
			return false;
		}
	}
	return true;
}

struct model_result model_explore(const struct model_scenario *s)
{
	struct exploration *x = must_have(calloc(1, sizeof(*x)));
	struct model_result r;

	x->states.size = sizeof(struct state);
	x->edges.size = sizeof(struct edge);
	x->ends.size = sizeof(u32);
	x->queue.size = sizeof(struct queued);
	make_slots(x, SLOTS_AT_FIRST);
	if (explore(x, s)) {
		look_for_what_never_happened(x, s);
		look_for_livelocks(x, s);
	}

	while (x->head < x->queue.nr)
		free(((struct queued *)x->queue.p)[x->head++].bytes);
	x->r.states = (u32)x->states.nr;
	r = x->r;
	free(x->states.p);
	free(x->edges.p);
	free(x->ends.p);
	free(x->queue.p);
	free(x->slots);
	free(x);
	return r;
}
