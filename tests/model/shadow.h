/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MODEL_SHADOW_H
#define TESTS_MODEL_SHADOW_H

/*
 * Included before everything else when a file of the product is compiled for the
 * model: mutexes, conditions and atomics become calls of tests/model/engine.c,
 * each of them a point where another thread may come in between, and memory
 * comes from what the explorer saves and restores. The code itself is the same.
 */

/* Everything below would otherwise be included, and defined, after this. */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "machine/base/compiler.h"
#include "machine/base/types.h"

#define MACHINE_BASE_LOCK_H /* instead of it: */

struct CAPABILITY("mutex") mutex {
	u32 owner; /* thread's number + 1; 0: free */
};

struct cond {
	u32 waiters; /* one bit a thread */
};

void model_lock(struct mutex *l, const char *text);
void model_unlock(struct mutex *l, const char *text);
void model_assert_held(const struct mutex *l, const char *text);
void model_cond_wait(struct cond *c, struct mutex *l, const char *text);
void model_broadcast(struct cond *c, const char *text);

#define mutex_init(l)        ((l)->owner = 0)
#define mutex_done(l)        ((void)(l))
#define mutex_lock(l)        model_lock(l, #l)
#define mutex_unlock(l)      model_unlock(l, #l)
#define mutex_assert_held(l) model_assert_held(l, #l)
#define cond_init(c)         ((c)->waiters = 0)
#define cond_done(c)         ((void)(c))
#define cond_wait(c, l)      model_cond_wait(c, l, #c)
#define cond_broadcast(c)    model_broadcast(c, #c)

enum model_rmw {
	MODEL_SET,
	MODEL_ADD,
	MODEL_SUB,
	MODEL_OR,
	MODEL_AND,
	MODEL_XOR,
};

void model_atomic(const void *p, size_t size); /* there is one */
u64 model_load(const void *p, size_t size, int order, const char *text);
void model_store(void *p, size_t size, u64 value, int order, const char *text);
u64 model_rmw(void *p, size_t size, enum model_rmw op, u64 value, int order, const char *text);
bool model_cas(void *p, size_t size, void *expected, u64 desired, int order, const char *text);
void model_fence(int order);

/* The comma takes _Atomic and const off the type. */
#define MODEL_TYPE(p) __typeof__(((void)0, *(p)))
#define MODEL_RMW(p, op, v, mo)                                                                    \
	({                                                                                         \
		MODEL_TYPE(p)                                                                      \
		old_ = (MODEL_TYPE(p))model_rmw(p, sizeof(*(p)), op, (u64)(v), mo, #p);            \
		old_;                                                                              \
	})

#undef atomic_init
#undef atomic_load
#undef atomic_load_explicit
#undef atomic_store
#undef atomic_store_explicit
#undef atomic_exchange
#undef atomic_exchange_explicit
#undef atomic_fetch_add
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub
#undef atomic_fetch_sub_explicit
#undef atomic_fetch_or
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and
#undef atomic_fetch_and_explicit
#undef atomic_fetch_xor
#undef atomic_fetch_xor_explicit
#undef atomic_compare_exchange_strong
#undef atomic_compare_exchange_strong_explicit
#undef atomic_compare_exchange_weak
#undef atomic_compare_exchange_weak_explicit
#undef atomic_thread_fence

#define atomic_init(p, v)                                                                          \
	do {                                                                                       \
		*(p) = (v);                                                                        \
		model_atomic(p, sizeof(*(p)));                                                     \
	} while (0)
#define atomic_load_explicit(p, mo)         ((MODEL_TYPE(p))model_load(p, sizeof(*(p)), mo, #p))
#define atomic_store_explicit(p, v, mo)     model_store(p, sizeof(*(p)), (u64)(v), mo, #p)
#define atomic_exchange_explicit(p, v, mo)  MODEL_RMW(p, MODEL_SET, v, mo)
#define atomic_fetch_add_explicit(p, v, mo) MODEL_RMW(p, MODEL_ADD, v, mo)
#define atomic_fetch_sub_explicit(p, v, mo) MODEL_RMW(p, MODEL_SUB, v, mo)
#define atomic_fetch_or_explicit(p, v, mo)  MODEL_RMW(p, MODEL_OR, v, mo)
#define atomic_fetch_and_explicit(p, v, mo) MODEL_RMW(p, MODEL_AND, v, mo)
#define atomic_fetch_xor_explicit(p, v, mo) MODEL_RMW(p, MODEL_XOR, v, mo)
#define atomic_load(p)                      atomic_load_explicit(p, memory_order_seq_cst)
#define atomic_store(p, v)                  atomic_store_explicit(p, v, memory_order_seq_cst)
#define atomic_exchange(p, v)               atomic_exchange_explicit(p, v, memory_order_seq_cst)
#define atomic_fetch_add(p, v)              atomic_fetch_add_explicit(p, v, memory_order_seq_cst)
#define atomic_fetch_sub(p, v)              atomic_fetch_sub_explicit(p, v, memory_order_seq_cst)
#define atomic_fetch_or(p, v)               atomic_fetch_or_explicit(p, v, memory_order_seq_cst)
#define atomic_fetch_and(p, v)              atomic_fetch_and_explicit(p, v, memory_order_seq_cst)
#define atomic_fetch_xor(p, v)              atomic_fetch_xor_explicit(p, v, memory_order_seq_cst)
#define atomic_thread_fence(mo)             model_fence(mo)

/* Weak ones fail only when the value differs: their callers loop, and would only come back. */
#define atomic_compare_exchange_strong_explicit(p, e, d, mo, fail)                                 \
	model_cas(p, sizeof(*(p)), e, (u64)(d), mo, #p)
#define atomic_compare_exchange_strong(p, e, d)                                                    \
	model_cas(p, sizeof(*(p)), e, (u64)(d), memory_order_seq_cst, #p)
#define atomic_compare_exchange_weak_explicit atomic_compare_exchange_strong_explicit
#define atomic_compare_exchange_weak          atomic_compare_exchange_strong

void *model_calloc(size_t n, size_t size);
void model_free(void *p);

#define malloc(size)    model_calloc(1, size)
#define calloc(n, size) model_calloc(n, size)
#define free(p)         model_free(p)

#endif /* TESTS_MODEL_SHADOW_H */
