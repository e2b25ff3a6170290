/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MODEL_ENGINE_PRIVATE_H
#define TESTS_MODEL_ENGINE_PRIVATE_H

#include <setjmp.h>
#include <ucontext.h>

#include "tests/model/engine.h"
#include "tests/model/shadow.h"

/* Between the threads (engine.c) and what they do to each other (sync.c). */

enum {
	STACK = 16384,
	DEAD = 1536, /* what a thread's calls between two steps take of it at most, about */
	ARENA = 8192,
	BUFFERED = 4, /* stores that a thread has made and nobody has seen */
	ATOMICS = 8, /* in all of a model */
	SEEN = 64,
};

/* Why a thread stands where it stands. */
enum wait {
	WAIT_NOTHING,
	WAIT_LOCK,
	WAIT_COND, /* then for its lock */
	WAIT_FLAG,
	WAIT_CHOICE,
	WAIT_ENDED,
};

struct atomic {
	const void *p;
	size_t size;
};

struct buffered {
	void *p;
	u32 size;
	u32 value;
};

struct thread {
	jmp_buf at;
	char *low; /* of the live part of its stack */
	const char *name, *what; /* it is about to do */
	const void *on; /* what it waits for */
	struct mutex *lock; /* WAIT_COND: to take again */
	enum wait wait;
	u32 choices, locks; /* to choose from; held */
	bool daemon;
	bool early[ATOMICS]; /* a load of this one may give what it was: */
	u32 was[ATOMICS];
	u32 nr_buffered;
	struct buffered buffered[BUFFERED];
};

/* All that a state is, but for the stacks. */
struct world {
	u32 nr;
	u32 used; /* of arena */
	_Alignas(16) u8 arena[ARENA];
	struct thread thread[MODEL_THREADS];
};

/* What no state contains. */
struct engine {
	jmp_buf explorer;
	ucontext_t fresh, unused;
	void (*fn)(void *arg);
	void *arg;
	u32 current, choice, moves;
	bool inside, tracing, wrong; /* inside: a thread runs, not build() */
	char why[256];
	const char *seen[SEEN];
	struct atomic atomics[ATOMICS];
	u32 nr_atomics;
	model_name_fn name;
	model_decode_fn decode;
};

extern struct world engine_w;
extern struct engine engine_e;

struct thread *engine_self(void); /* the one that runs */
/* Stop until the explorer decides that it goes on; not before what it waits for is there. */
void engine_pause(enum wait why, const void *on, const char *what);
void engine_flush(struct thread *t); /* its oldest store reaches memory */
/* "read cpu0.events HOLD", when somebody wants to know */
void engine_say(const char *op, const void *p, const char *text, u64 value, const char *more);

#endif /* TESTS_MODEL_ENGINE_PRIVATE_H */
