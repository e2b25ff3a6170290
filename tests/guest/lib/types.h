/* SPDX-License-Identifier: MIT */
/*
 * Types and small macros for the bare-metal test guests. A guest is the whole
 * machine and has one instance of everything, so unlike the monitor its files
 * may keep state at file scope.
 */
#ifndef GUEST_TYPES_H
#define GUEST_TYPES_H

#include <stdbool.h>
#include <stddef.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed int s32;
typedef signed long long s64;

#define ARRAY_SIZE(a)     (sizeof(a) / sizeof((a)[0]))
#define BIT(n)            (1ull << (n))
#define ALIGN_UP(x, a)    (((x) + (a)-1) & ~((a)-1))
#define MIN(a, b)         ((a) < (b) ? (a) : (b))
#define KIB(n)            ((u64)(n) << 10)
#define MIB(n)            ((u64)(n) << 20)
#define printf_like(f, a) __attribute__((format(printf, f, a)))
#define noreturn          __attribute__((noreturn))

#endif
