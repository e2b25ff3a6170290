/* SPDX-License-Identifier: MIT */
/* The threads of a model: coroutines whose every visible step is the explorer's decision. */
#include "tests/model/engine_private.h"

#include <alloca.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct world engine_w;
struct engine engine_e;
static _Alignas(64) char stacks[MODEL_THREADS][STACK];

struct thread *engine_self(void)
{
	return &engine_w.thread[engine_e.current];
}

void model_show_with(model_name_fn name, model_decode_fn decode)
{
	engine_e.name = name;
	engine_e.decode = decode;
}

void engine_trace(bool on)
{
	engine_e.tracing = on;
	engine_e.moves = 0;
}

void model_note(const char *fmt, ...)
{
	va_list ap;

	if (!engine_e.tracing)
		return;
	printf("# %4u  %-12s ", engine_e.moves, engine_self()->name);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static const char *name_of(const void *p, const char *text, char *buf, size_t size)
{
	const char *s = engine_e.name ? engine_e.name(p, text, buf, size) : NULL;

	return s ? s : text;
}

static const char *value_of(const void *p, const char *text, u64 value, char *buf, size_t size)
{
	const char *s = engine_e.decode ? engine_e.decode(p, text, value, buf, size) : NULL;

	if (s)
		return s;
	(void)snprintf(buf, size, "%#llx", value);
	return buf;
}

/* "load gate 1.events -> HOLD" */
void engine_say(const char *op, const void *p, const char *text, u64 value, const char *more)
{
	char name[64], val[64];

	if (engine_e.tracing)
		model_note("%s %s %s%s", op, name_of(p, text, name, sizeof(name)),
		           value_of(p, text, value, val, sizeof(val)), more);
}

/* The frame's end is where the live part of the stack begins: a fixed place cannot be named in C. */
static __attribute__((noinline)) void stop_here(void)
{
	engine_self()->low = alloca(16);
	if (_setjmp(engine_self()->at) == 0)
		_longjmp(engine_e.explorer, 1);
}

void engine_pause(enum wait why, const void *on, const char *what)
{
	struct thread *t = engine_self();

	if (!engine_e.inside)
		return;
	t->wait = why;
	t->on = on;
	t->what = what;
	stop_here();
	t->wait = WAIT_NOTHING;
	t->on = NULL;
	t->what = NULL;
}

static void thread_main(void)
{
	void (*fn)(void *) = engine_e.fn;
	void *arg = engine_e.arg;

	/* Runs to its first visible step at once: nobody can tell. */
	fn(arg);
	engine_pause(WAIT_ENDED, NULL, "ended");
}

void model_check(bool right, const char *fmt, ...)
{
	va_list ap;

	if (right)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(engine_e.why, sizeof(engine_e.why), fmt, ap);
	va_end(ap);
	engine_e.wrong = true;
	_longjmp(engine_e.explorer, 1);
}

/* glibc's name for what assert() calls: the code's own checks count as the model's. */
void __assert_fail(const char *text, const char *file, unsigned int line, const char *fn)
{
	model_check(false, "%s:%u: %s: assertion '%s'", file, line, fn, text);
	__builtin_unreachable();
}

void model_seen(const char *what)
{
	for (u32 i = 0; i < SEEN; i++) {
		if (!engine_e.seen[i])
			engine_e.seen[i] = what;
		if (!strcmp(engine_e.seen[i], what))
			return;
	}
	model_check(false, "too many things to be seen");
}

bool engine_seen(const char *what)
{
	for (u32 i = 0; i < SEEN && engine_e.seen[i]; i++)
		if (!strcmp(engine_e.seen[i], what))
			return true;
	return false;
}

void engine_reset(void)
{
	memset(&engine_w, 0, sizeof(engine_w));
	memset(stacks, 0, sizeof(stacks));
	memset(engine_e.seen, 0, sizeof(engine_e.seen));
	engine_e.nr_atomics = 0;
	engine_e.wrong = false;
	engine_e.tracing = false;
}

void *model_calloc(size_t n, size_t size)
{
	size_t bytes = (n * size + 15) & ~(size_t)15;
	void *p = &engine_w.arena[engine_w.used];

	if (bytes > ARENA - engine_w.used)
		return NULL;
	engine_w.used += (u32)bytes;
	return p;
}

void model_free(void *p)
{
}

void model_spawn(const char *name, void (*fn)(void *arg), void *arg, bool daemon)
{
	if (engine_w.nr == MODEL_THREADS)
		abort();
	engine_e.current = engine_w.nr;
	engine_e.fn = fn;
	engine_e.arg = arg;
	*engine_self() = (struct thread){ .name = name, .daemon = daemon };
	must0(getcontext(&engine_e.fresh));
	engine_e.fresh.uc_stack.ss_sp = stacks[engine_w.nr];
	engine_e.fresh.uc_stack.ss_size = STACK;
	engine_e.fresh.uc_link = NULL;
	makecontext(&engine_e.fresh, thread_main, 0);
	engine_w.nr++;
	engine_e.inside = true;
	if (_setjmp(engine_e.explorer) == 0)
		must0(swapcontext(&engine_e.unused, &engine_e.fresh));
	engine_e.inside = false;
}

__attribute__((noinline)) void model_forget(void)
{
	void *dead = alloca(DEAD);

	memset(dead, 0, DEAD);
	__asm__ volatile("" : : "r"(dead) : "memory"); /* or nobody would see a reason to */
}

void model_step(const char *what)
{
	engine_pause(WAIT_NOTHING, NULL, what);
	model_note("%s", what);
}

u32 model_choose(u32 n, const char *what)
{
	engine_self()->choices = n;
	engine_pause(WAIT_CHOICE, NULL, what);
	engine_self()->choices = 0;
	model_note("%s: %u of %u", what, engine_e.choice, n);
	return engine_e.choice;
}

void model_wait(const u32 *flag, const char *what)
{
	engine_pause(WAIT_FLAG, flag, what);
	model_note("%s", what);
}

static u32 ways(const struct thread *t, u32 i)
{
	switch (t->wait) {
	case WAIT_NOTHING:
		return 1;
	case WAIT_LOCK:
		return !((const struct mutex *)t->on)->owner;
	case WAIT_COND:
		return !(((const struct cond *)t->on)->waiters & 1u << i) && !t->lock->owner;
	case WAIT_FLAG:
		return *(const u32 *)t->on != 0;
	case WAIT_CHOICE:
		return t->choices;
	case WAIT_ENDED:
	default:
		return 0;
	}
}

u32 engine_moves(struct engine_move out[ENGINE_MOVES])
{
	u32 n = 0;

	for (u32 i = 0; i < engine_w.nr; i++) {
		u32 nr = ways(&engine_w.thread[i], i);

		for (u32 c = 0; c < nr; c++)
			out[n++] = (struct engine_move){ (u8)i, ENGINE_GO, (u8)c };
		if (engine_w.thread[i].nr_buffered)
			out[n++] = (struct engine_move){ (u8)i, ENGINE_FLUSH, 0 };
	}
	for (u32 i = 0; i < engine_w.nr; i++) {
		const struct thread *t = &engine_w.thread[i];

		if (t->wait == WAIT_COND && ((const struct cond *)t->on)->waiters & 1u << i)
			out[n++] = (struct engine_move){ (u8)i, ENGINE_SPURIOUS, 0 };
	}
	return n;
}

enum engine_end engine_make(struct engine_move m)
{
	struct thread *t = &engine_w.thread[m.thread];

	engine_e.current = m.thread;
	engine_e.choice = m.choice;
	engine_e.moves++;
	switch (m.kind) {
	case ENGINE_FLUSH:
		engine_say("is seen:", t->buffered[0].p, "a store of it", t->buffered[0].value, "");
		engine_flush(t);
		break;
	case ENGINE_SPURIOUS:
		model_note("wakes for no reason");
		((struct cond *)(uintptr_t)t->on)->waiters &= ~(1u << m.thread);
		break;
	default:
		/* What others left below would end up in its frames, and make one state look like many. */
		memset(t->low - DEAD, 0, DEAD);
		engine_e.inside = true;
		if (_setjmp(engine_e.explorer) == 0)
			_longjmp(t->at, 1);
		engine_e.inside = false;
		break;
	}
	return engine_state();
}

enum engine_end engine_state(void)
{
	if (engine_e.wrong)
		return ENGINE_WRONG;
	for (u32 i = 0; i < engine_w.nr; i++)
		if (!engine_w.thread[i].daemon &&
		    (engine_w.thread[i].wait != WAIT_ENDED || engine_w.thread[i].nr_buffered))
			return ENGINE_GOES_ON;
	return ENGINE_DONE;
}

const char *engine_why(void)
{
	return engine_e.why;
}

void engine_say_all(void)
{
	static const char *const how[] = {
		[WAIT_NOTHING] = "is about to:", [WAIT_LOCK] = "waits for the lock",
		[WAIT_COND] = "waits on",        [WAIT_FLAG] = "waits to go on with:",
		[WAIT_CHOICE] = "chooses:",      [WAIT_ENDED] = "has",
	};
	char name[64];

	for (u32 i = 0; i < engine_w.nr; i++) {
		engine_e.current = i;
		if (engine_self()->what)
			model_note("%s %s", how[engine_self()->wait],
			           name_of(engine_self()->on, engine_self()->what, name,
			                   sizeof(name)));
		else
			model_note("is here");
	}
}

/* Threads beyond engine_w.nr and the arena beyond engine_w.used are zero and stay so. */
size_t engine_save(u8 *out)
{
	size_t fixed = offsetof(struct world, arena);
	u8 *p = out;

	p = mempcpy(p, &engine_w, fixed);
	p = mempcpy(p, engine_w.arena, engine_w.used);
	p = mempcpy(p, engine_w.thread, engine_w.nr * sizeof(engine_w.thread[0]));
	for (u32 i = 0; i < engine_w.nr; i++) {
		char *top = stacks[i] + STACK;

		p = mempcpy(p, engine_w.thread[i].low, (size_t)(top - engine_w.thread[i].low));
	}
	return (size_t)(p - out);
}

void engine_restore(const u8 *in)
{
	size_t fixed = offsetof(struct world, arena);

	memcpy(&engine_w, in, fixed);
	in += fixed;
	memcpy(engine_w.arena, in, engine_w.used);
	in += engine_w.used;
	memcpy(engine_w.thread, in, engine_w.nr * sizeof(engine_w.thread[0]));
	in += engine_w.nr * sizeof(engine_w.thread[0]);
	for (u32 i = 0; i < engine_w.nr; i++) {
		size_t live = (size_t)(stacks[i] + STACK - engine_w.thread[i].low);

		memcpy(engine_w.thread[i].low, in, live);
		in += live;
	}
	engine_e.wrong = false;
}
