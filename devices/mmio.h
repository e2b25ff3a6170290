/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_MMIO_H
#define DEVICES_MMIO_H

#include "machine/base/types.h"

/* Access widths a register takes; values are the widths in bytes. */
enum {
	MMIO_W8 = 1,
	MMIO_W16 = 2,
	MMIO_W32 = 4,
	MMIO_W64 = 8,
};

/*
 * One register, or one array of equal registers, as the manual's table has it.
 * A missing read reads as zero, a missing write is ignored (RAZ/WI).
 *
 * The functions get the offset of the access, not the width: what read()
 * returns above the width is cut, and write() of a row that takes several
 * widths must not need to know which one it was. A 64-bit access is two calls,
 * @offset first and @offset + 4 second, each with @wmask.
 */
struct mmio_reg {
	const char *name; /* as in the manual */
	u32 offset; /* bytes from the start of the region */
	u32 len; /* bytes covered */
	u32 widths; /* MMIO_W* or-ed */
	u32 wmask; /* bits a write may change; the rest is dropped */
	u32 (*read)(void *dev, u32 offset);
	void (*write)(void *dev, u32 offset, u32 value);
};

struct mmio_table {
	const struct mmio_reg *regs; /* by offset, ascending, no overlap */
	size_t nr;
};

/**
 * mmio_read - answer one guest load
 * @t:      the device's registers
 * @dev:    handed to the register's read()
 * @offset: bytes from the start of the region
 * @width:  1, 2, 4 or 8 bytes
 *
 * Return: the value, zero-extended; 0 for a hole, for a width the register does
 * not take and for an unaligned offset. Never fails: a guest cannot stop us.
 */
u64 mmio_read(const struct mmio_table *t, void *dev, u32 offset, u32 width);
void mmio_write(const struct mmio_table *t, void *dev, u32 offset, u32 width, u64 value);

/*
 * Sorted, no overlap, offset and length multiples of every width taken, no
 * write mask beyond the widest. For unit tests: a table is checked once, there.
 */
bool mmio_table_ok(const struct mmio_table *t);

#endif /* DEVICES_MMIO_H */
