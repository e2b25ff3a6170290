/* SPDX-License-Identifier: MIT */
/* The few string functions a guest needs, as ISO C has them. */
#ifndef GUEST_STR_H
#define GUEST_STR_H

#include "types.h"

void *memset(void *dst, int c, size_t n);
void *memcpy(void *dst, const void *src, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);

/**
 * parse_u64 - a number in C notation at the start of @s
 * @s: decimal, or hexadecimal after "0x"; ends at the first other character
 */
u64 parse_u64(const char *s);

#endif
