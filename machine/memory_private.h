/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_MEMORY_PRIVATE_H
#define MACHINE_MEMORY_PRIVATE_H

#include "machine/base/types.h"

/* What memory.c and memory_keep.c have in common: how the kernel is to treat guest RAM. */
void memory_advise(void *p, u64 size);

#endif /* MACHINE_MEMORY_PRIVATE_H */
