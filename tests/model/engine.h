/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MODEL_ENGINE_H
#define TESTS_MODEL_ENGINE_H

#include "tests/model/model.h"

/* Between the threads (engine.c) and who steps them (explore.c). */

/* One step that is possible: which thread, and what of all it can do. */
struct engine_move {
	u8 thread;
	u8 kind; /* enum engine_kind */
	u8 choice;
};

enum engine_kind {
	ENGINE_GO, /* the thread makes its next step */
	ENGINE_FLUSH, /* its oldest store reaches memory */
	ENGINE_SPURIOUS, /* it wakes from a condition for no reason */
};

enum { ENGINE_MOVES = MODEL_THREADS * (MODEL_CHOICES + 2) };

enum engine_end {
	ENGINE_GOES_ON,
	ENGINE_DONE, /* every thread but the daemons */
	ENGINE_WRONG, /* engine_why() */
};

void engine_reset(void);
void engine_trace(bool on); /* say what the threads do */

/* What is possible now, in a fixed order. Return: how many; spurious wake-ups come last. */
u32 engine_moves(struct engine_move out[ENGINE_MOVES]);
enum engine_end engine_make(struct engine_move m);
enum engine_end engine_state(void);
const char *engine_why(void);
/* Says of each thread where it stands. */
void engine_say_all(void);

/* The whole state as bytes. Return: its size, at most ENGINE_STATE_MAX. */
enum { ENGINE_STATE_MAX = 256 * 1024 };
size_t engine_save(u8 *out);
void engine_restore(const u8 *in);

/* What model_seen() has seen since engine_reset(). */
bool engine_seen(const char *what);

#endif /* TESTS_MODEL_ENGINE_H */
