/* SPDX-License-Identifier: MIT */
#ifndef VCPU_GATE_H
#define VCPU_GATE_H

#include <stdatomic.h>

#include "machine/base/compiler.h"
#include "machine/base/lock.h"
#include "machine/base/types.h"

/*
 * What stands between a vCPU's thread and its guest: one word of pending events,
 * and the interlock that takes the vCPU out of the guest and keeps it out. No
 * KVM and no kicks: whoever is told "kick it" sends one.
 *
 *            gate_enter()                       gate_leave()
 *   OUT  -------------------->  IN_GUEST  ---------------------->  OUT
 *    |                                                              ^
 *    |  gate_take(): held, or asleep and nothing to do              |
 *    +------------------------->  PARKED  --------------------------+
 *    |                                       an event, and not held
 *    +------------------------->  GONE      gate_close(): the thread's end
 *
 * Entering is the mirror of posting: the vCPU writes IN_GUEST and then reads the
 * events; a poster writes the event and then reads where the vCPU is. Whichever
 * comes second sees the other (both are sequentially consistent), so either the
 * vCPU does not enter or the poster kicks. A kick that comes late finds the vCPU
 * out and does nothing.
 */

/*
 * Events, posted by anyone, accepted by the vCPU's own thread in the order of
 * their bits. What an event needs to know is stored before it is posted.
 */
enum gate_event {
	GATE_EXIT = 1u << 0, /* end the thread; wins over all, a hold included */
	GATE_RESET = 1u << 1, /* start again at the machine's entry point */
	GATE_OFF = 1u << 2, /* the power table turned it off: a reset of another CPU's asking */
	GATE_ON = 1u << 3, /* CPU_ON won: start at the entry the power table has */
	GATE_SUSPEND = 1u << 4, /* the system suspend it asked for is granted */
	GATE_ANSWER = 1u << 5, /* the call it waits in returns */
	GATE_WAKE = 1u << 6, /* somebody wakes it from its suspend */
	GATE_LINES = 1u << 7, /* its interrupt lines are to be driven anew: gic_user_output() */
	GATE_HOLD = 1u << 8, /* level: up while it is held; the gate's own */
};

#define GATE_EVENTS 0xffu /* all that are posted */

/* Posted by who holds the vCPU, and accepted under the hold; the others wait for its end. */
#define GATE_UNDER_HOLD (GATE_RESET | GATE_OFF)

enum gate_where {
	GATE_OUT, /* in userspace, busy: looks at its events before it enters */
	GATE_IN_GUEST, /* in KVM_RUN, or about to */
	GATE_PARKED, /* waits at the gate and moves nothing of its own */
	GATE_GONE, /* its thread has ended, or is not started */
};

struct gate {
	atomic_uint events; /* enum gate_event */
	atomic_uint where; /* enum gate_where; written by the vCPU's thread */
	u32 holds GUARDED_BY(lock);
	struct mutex lock; /* gate.lock in machine/base/lock.h: leaf */
	struct cond changed;
	/* Called on the vCPU's thread, no lock held, when it parks under a hold. */
	void (*parked)(void *ctx);
	void *ctx;
};

/* GONE, no events, not held. @parked: a no-op is fine, NULL is not. */
void gate_init(struct gate *g, void (*parked)(void *ctx), void *ctx);
void gate_done(struct gate *g);

/* Before the thread is started: OUT. At its end: GONE, which counts as held. */
void gate_open(struct gate *g);
void gate_close(struct gate *g) EXCLUDES(g->lock);

/**
 * gate_overtakes - which pending events mean nothing any more when this one comes
 * @event: one of enum gate_event
 *
 * The whole table of overtaking; gate_post() applies it, so that what is pending
 * has come in the order of the bits:
 *
 *   RESET    throws away OFF, ON, SUSPEND, ANSWER, WAKE: all were for the CPU of before
 *   OFF      throws away RESET, ON, SUSPEND, ANSWER, WAKE, likewise
 *   ON       throws away WAKE: it was for a sleep that is over. RESET and OFF stay
 *            and are accepted first. (SUSPEND and ANSWER cannot be pending: the CPU is off)
 *   SUSPEND  throws away WAKE and ANSWER: only a wake-up that comes after it counts
 *   ANSWER   throws away SUSPEND and WAKE: the call is over
 *   WAKE     throws away nothing, and means nothing but to a CPU that sleeps
 *   LINES    throws away nothing, and nothing does it: the level counts that is there
 *            when it is accepted
 *   EXIT     throws away nothing: nothing is accepted any more
 *
 * Return: their bits.
 */
u32 gate_overtakes(u32 event);

/**
 * gate_post - post events
 * @g:      any thread
 * @events: bits of GATE_EVENTS; of several the lowest is posted first
 *
 * Everything written before is seen by the thread that accepts them.
 *
 * Return: true when the vCPU is in the guest and must be kicked; never when all
 * of @events were pending already, for who posted those kicks it, now or soon.
 */
must_check bool gate_post(struct gate *g, u32 events) EXCLUDES(g->lock);

/* What is pending now, GATE_HOLD included; any thread, out of date at once unless held. */
u32 gate_pending(const struct gate *g);

/**
 * gate_enter - the vCPU's thread is about to enter the guest
 *
 * One store and one load when there is nothing to do.
 *
 * Return: true: IN_GUEST, go. False: OUT, call gate_take() first.
 */
must_check bool gate_enter(struct gate *g);
void gate_leave(struct gate *g); /* back from the guest: OUT */

/**
 * gate_take - accept what is pending; the vCPU's thread, OUT
 * @asleep: there is nothing else to do: wait for an event
 *
 * Waits as long as the vCPU is held; RESET and OFF are taken meanwhile, and the
 * vCPU comes back here and parks again. EXIT ends every wait.
 *
 * Return: the events taken, 0 only when not @asleep.
 */
u32 gate_take(struct gate *g, bool asleep) EXCLUDES(g->lock);

/**
 * gate_hold - keep a vCPU out of the guest
 * @g: any thread but the vCPU's
 *
 * Counts: as many gate_release() as gate_hold() let it go. The vCPU is held when
 * gate_held() says so, not before; from then on its thread touches nothing of the
 * vCPU until it is released, however many kicks and events come. EXIT goes
 * through it, and so do RESET and OFF, which only a holder posts: gate_held()
 * then says no until the vCPU has accepted them and is parked again.
 *
 * Return: true when it is in the guest and must be kicked.
 */
must_check bool gate_hold(struct gate *g) EXCLUDES(g->lock);
bool gate_held(struct gate *g) EXCLUDES(g->lock);
void gate_release(struct gate *g) EXCLUDES(g->lock);

/* Where it is, for a message. */
enum gate_where gate_where(const struct gate *g);

#endif /* VCPU_GATE_H */
