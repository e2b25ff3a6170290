/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_MEMORY_H
#define MACHINE_MEMORY_H

#include "machine/base/compiler.h"
#include "machine/base/gmem.h"

/*
 * Guest RAM: private, taken from the host page by page as the guest touches it.
 * All of it is anonymous until memory_keep() puts the boot loader's part of it
 * onto an unnamed file.
 */

/* A piece of guest RAM. */
struct memory_range {
	gpa_t start;
	u64 size; /* bytes */
};

enum { MEMORY_KEEP_MAX = 8 }; /* ranges */

/**
 * memory_map - reserve a range of guest RAM
 * @base: guest physical address
 * @size: bytes, a multiple of the page size
 * @out:  zeroed memory, released with memory_unmap()
 *
 * Return: 0, or a negative errno with the reason logged.
 */
must_check int memory_map(gpa_t base, u64 size, struct gmem *out);
/* A @g that is all zero is fine. */
void memory_unmap(struct gmem *g);

/* KVM_SET_USER_MEMORY_REGION. Return: 0, or a negative errno with the reason logged. */
must_check int memory_slot(int vm_fd, u32 slot, const struct gmem *g);

/**
 * memory_keep - remember what is in RAM now, for memory_restore()
 * @ram:   from memory_map(); everything outside of the ranges is zero
 * @range: the pieces that are not, in any order; they may overlap, touch, begin
 *         and end anywhere
 * @nr:    up to MEMORY_KEEP_MAX
 *
 * Once, before the guest runs, and before or after memory_slot(): addresses
 * stay, and KVM notices what changes behind them. The content moves to a memfd
 * that is mapped privately in its place, so the guest gets a copy of a page only
 * where it writes; pages of zeros stay out of it. What is kept costs its own
 * size for as long as RAM is mapped, and no descriptor.
 *
 * Where the memfd is mapped the host has no huge pages to give, so a kernel's
 * own code and data run on small ones.
 *
 * Return: 0, or a negative errno with the reason logged: -EINVAL when a range
 * is not wholly in RAM. RAM's content is the same either way.
 */
must_check int memory_keep(const struct gmem *ram, const struct memory_range *range, u32 nr);

/**
 * memory_restore - make RAM what it was at memory_keep(), and zero elsewhere
 * @ram: all of what memory_map() gave; without memory_keep() it becomes zero
 *
 * No vCPU is in KVM_RUN, and no I/O on guest memory is in flight. One system call
 * that gives pages back: nothing is copied before the guest asks for it.
 *
 * Return: 0, or a negative errno with the reason logged.
 */
must_check int memory_restore(const struct gmem *ram);

#endif /* MACHINE_MEMORY_H */
