/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_BASE_BITS_H
#define MACHINE_BASE_BITS_H

#include "machine/base/types.h"

#define KIB 1024ull
#define MIB (1024ull * KIB)
#define GIB (1024ull * MIB)

/* @to is a power of two; the caller knows that @v + @to does not wrap. */
static inline u64 align_up(u64 v, u64 to)
{
	return (v + to - 1) & ~(to - 1);
}

static inline u64 align_down(u64 v, u64 to)
{
	return v & ~(to - 1);
}

static inline bool is_aligned(u64 v, u64 to)
{
	return (v & (to - 1)) == 0;
}

static inline u32 lo32(u64 v)
{
	return (u32)v;
}

static inline u32 hi32(u64 v)
{
	return (u32)(v >> 32);
}

/* Number of the lowest bit that is set; one is. */
static inline u32 lowest_bit(u32 v)
{
	return (u32)__builtin_ctz(v);
}

#endif /* MACHINE_BASE_BITS_H */
