/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_BASE_TYPES_H
#define MACHINE_BASE_TYPES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

/* Guest physical address, in bytes. An integer: only machine/base/gmem.c makes a pointer of it. */
typedef u64 gpa_t;

#endif /* MACHINE_BASE_TYPES_H */
