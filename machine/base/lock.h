/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_BASE_LOCK_H
#define MACHINE_BASE_LOCK_H

#include <errno.h>
#include <pthread.h>

#include "machine/base/compiler.h"

/*
 * Lock order, outermost first. Take downwards only; to go up, drop and retake.
 *
 *   power.lock       one per machine: its power table; nothing is called under it
 *     dev.lock       one per device, taken by the device's own entry points;
 *                    never two at once
 *       console.lock one per host console: its output ring; leaf
 *       gic.lock     one per interrupt controller of ours; only hwirq_ops are
 *                    called under it, which take none
 *       gate.lock    one per vCPU: how often it is held, and its sleep; leaf
 *
 * No lock at all: the MMIO map (frozen before the first vCPU thread starts), a
 * vCPU's events and its kick (an atomic and an eventfd), the loop's own state (its
 * thread only), the outcome of the machine (one atomic claim), an interrupt line
 * into KVM (one system call), a CPU's output of our interrupt controller.
 */
struct CAPABILITY("mutex") mutex {
	pthread_mutex_t m;
};

struct cond {
	pthread_cond_t c;
};

static inline void mutex_init(struct mutex *l)
{
	must0(pthread_mutex_init(&l->m, NULL));
}

static inline void mutex_done(struct mutex *l)
{
	must0(pthread_mutex_destroy(&l->m));
}

static inline void mutex_lock(struct mutex *l) ACQUIRE(*l) NO_TSA
{
	must0(pthread_mutex_lock(&l->m));
}

static inline void mutex_unlock(struct mutex *l) RELEASE(*l) NO_TSA
{
	must0(pthread_mutex_unlock(&l->m));
}

/*
 * For code reached through a function pointer, where the compiler loses the
 * lock. Looked at in sanitizer builds (LOCK_CHECKS); it stands on hot paths, and
 * elsewhere costs nothing.
 */
static inline void mutex_assert_held(struct mutex *l) ASSERT_HELD(*l) NO_TSA
{
#ifdef LOCK_CHECKS
	must0(pthread_mutex_trylock(&l->m) != EBUSY);
#endif
}

static inline void cond_init(struct cond *c)
{
	must0(pthread_cond_init(&c->c, NULL));
}

static inline void cond_done(struct cond *c)
{
	must0(pthread_cond_destroy(&c->c));
}

/* Wakes without a reason are allowed: callers loop on what they wait for. */
static inline void cond_wait(struct cond *c, struct mutex *l) REQUIRES(*l)
{
	must0(pthread_cond_wait(&c->c, &l->m));
}

static inline void cond_broadcast(struct cond *c)
{
	must0(pthread_cond_broadcast(&c->c));
}

#endif /* MACHINE_BASE_LOCK_H */
