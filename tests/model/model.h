/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MODEL_MODEL_H
#define TESTS_MODEL_MODEL_H

#include "machine/base/compiler.h"
#include "machine/base/types.h"

/*
 * A model checker for a handful of threads that run the product's own C code.
 *
 * A scenario builds a small machine in memory and spawns threads. Each of them is
 * a coroutine, which stops before every step that another thread could notice
 * (tests/model/shadow.h makes those of the code) and there is saved: its stack,
 * its registers, all memory that model_calloc() gave out. The explorer visits
 * every state that can be reached, breadth first and each of them once, and makes
 * from it every step that is possible. So there is no bound on the number of
 * steps, and what fails is shown by a shortest way to it.
 *
 * Wrong is: a check that fails, an assert() of the code, a state in which nobody
 * can go on, and one from which the end cannot be reached any more, whatever
 * happens (a livelock). Spurious wake-ups happen, but no end may depend on one.
 *
 * Memory: sequentially consistent, but for what C11 lets an atomic operation
 * do whose order is weaker: a store is seen by the others later than by its own
 * thread, and a load behind a read-modify-write may come before it. Plain
 * accesses are not reordered: ThreadSanitizer looks after those.
 */

enum {
	MODEL_THREADS = 10,
	MODEL_CHOICES = 8,
};

/* For scenario->build() only. A daemon need not end. */
void model_spawn(const char *name, void (*fn)(void *arg), void *arg, bool daemon);
/* Zeroed; given back with the scenario. */
void *model_calloc(size_t n, size_t size);

/* For the threads. */
void model_step(const char *what); /* let others come in between */
u32 model_choose(u32 n, const char *what); /* 0 .. @n - 1: each of them happens */
void model_wait(const u32 *flag, const char *what); /* until it is not 0 */
void model_note(const char *fmt, ...)
	printf_like(1, 2); /* for whoever reads the way to a failure */
void model_check(bool right, const char *fmt, ...) printf_like(2, 3);
/* What is left on the stack of functions that have returned would make many states of one. */
void model_forget(void);
/* @what has happened; scenario->expect has what must have, in one of the ways at least. */
void model_seen(const char *what);

struct model_scenario {
	const char *name;
	void (*build)(u32 size);
	u32 size; /* handed to build() */
	const char *expect[12];
	bool quick; /* run without being asked for long ones */
};

struct model_result {
	bool failed;
	u32 states;
	u64 steps;
	u32 depth; /* of the state that is furthest away */
	const char *limit; /* what ran out, if it did */
};

/* Visits all there is, and prints the way to what is wrong as TAP comments. */
struct model_result model_explore(const struct model_scenario *s);

/* How a value is shown, of what object: NULL for a number. */
typedef const char *(*model_decode_fn)(const void *p, const char *text, u64 value, char *buf,
                                       size_t size);
typedef const char *(*model_name_fn)(const void *p, const char *text, char *buf, size_t size);
void model_show_with(model_name_fn name, model_decode_fn decode);

#endif /* TESTS_MODEL_MODEL_H */
