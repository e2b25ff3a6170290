/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_BASE_COMPILER_H
#define MACHINE_BASE_COMPILER_H

#include <stddef.h>
#include <stdlib.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member)                                                            \
	({                                                                                         \
		char *p_ = (char *)(ptr);                                                          \
		(type *)(void *)(p_ - offsetof(type, member));                                     \
	})

#define must_check        __attribute__((warn_unused_result))
#define printf_like(f, a) __attribute__((format(printf, f, a)))
#define cleanup(fn)       __attribute__((cleanup(fn)))

/* For calls that cannot fail unless we are wrong: kept in every build, unlike assert(). */
static inline void must0(int r)
{
	if (r != 0)
		abort();
}

/*
 * Locking contracts, checked by clang -Wthread-safety in `make lint` and empty
 * for every other compiler. GUARDED_BY() is for the reader: clang 14 cannot
 * name a sibling member in C.
 */
#if defined(__clang__)
#define TSA(x) __attribute__((x))
#else
#define TSA(x)
#endif
#define CAPABILITY(name) TSA(capability(name))
#define ACQUIRE(...)     TSA(acquire_capability(__VA_ARGS__))
#define RELEASE(...)     TSA(release_capability(__VA_ARGS__))
#define REQUIRES(...)    TSA(requires_capability(__VA_ARGS__))
#define EXCLUDES(...)    TSA(locks_excluded(__VA_ARGS__))
#define ASSERT_HELD(...) TSA(assert_capability(__VA_ARGS__))
#define NO_TSA           TSA(no_thread_safety_analysis)
#define GUARDED_BY(lock)

#endif /* MACHINE_BASE_COMPILER_H */
