/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_MEMORY_H
#define MACHINE_MEMORY_H

#include "machine/base/compiler.h"
#include "machine/base/gmem.h"

/*
 * Guest RAM: anonymous, private, taken from the host page by page as the guest
 * touches it.
 */

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

#endif /* MACHINE_MEMORY_H */
