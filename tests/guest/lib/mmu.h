/* SPDX-License-Identifier: MIT */
#ifndef GUEST_MMU_H
#define GUEST_MMU_H

#include "types.h"

#define RAM_BASE 0x80000000ull

/* The same physical address, below 4 GiB, as Normal non-cacheable, executable memory. */
#define MMU_ALIAS_NC(pa) ((u64)(pa) + (256ull << 30))

/* An address that stage 1 has no translation for. */
#define MMU_NOWHERE (1ull << 40)

/**
 * mmu_add_ram - map RAM as Normal memory
 * @size: bytes of RAM from RAM_BASE; whole GiB are mapped, rounded up
 *
 * The first GiB is mapped from the start. Called once, before other CPUs run.
 */
void mmu_add_ram(u64 size);

/**
 * mmu_point_ttbr1 - let addresses at the top be walked through a table at @pa
 * @pa: where the walker looks for the table, or 0 to forbid such walks again
 */
void mmu_point_ttbr1(u64 pa);

#endif
