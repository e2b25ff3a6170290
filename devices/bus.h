/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_BUS_H
#define DEVICES_BUS_H

#include "machine/base/compiler.h"
#include "machine/base/types.h"

/*
 * Who answers at which guest physical address. Built by one thread, frozen,
 * then read by every vCPU thread without a lock.
 */
struct bus;

#define BUS_REGION_MAX (1ull << 32) /* bytes; so that an offset is a u32 */

struct bus_ops {
	/*
	 * @offset: bytes from the region's base; @width: 1, 2, 4 or 8, and the
	 * whole access is inside; the value is zero-extended, what read()
	 * returns above @width is cut. Any thread.
	 */
	u64 (*read)(void *dev, u32 offset, u32 width);
	void (*write)(void *dev, u32 offset, u32 width, u64 value);
};

must_check int bus_create(struct bus **out);
void bus_destroy(struct bus *b); /* NULL is fine; the devices are not the bus's to destroy */

/**
 * bus_add - put a device on the bus
 * @b:    not frozen yet
 * @name: for messages; kept, not copied
 * @base: first byte
 * @size: bytes, not 0, up to 4 GiB
 * @ops:  both functions filled in; kept
 * @dev:  handed to @ops
 *
 * Return: 0, -ENOMEM, -EEXIST when a byte of it is taken, -EINVAL when it is
 * empty, too large or wraps.
 */
must_check int bus_add(struct bus *b, const char *name, gpa_t base, u64 size,
                       const struct bus_ops *ops, void *dev);

/* The last bus_add() has been; from here on any thread may call bus_read() and bus_write(). */
void bus_freeze(struct bus *b);

/**
 * bus_read - one guest load that KVM could not answer
 * @b:     frozen
 * @gpa:   any value; an access that starts in a region and ends outside it is a
 *         miss, also when another region starts there, and so is one that wraps
 * @width: 1, 2, 4 or 8 bytes
 * @value: zero-extended; 0 on a miss
 *
 * Return: true when a device answered, false on a miss.
 */
bool bus_read(const struct bus *b, gpa_t gpa, u32 width, u64 *value);
bool bus_write(const struct bus *b, gpa_t gpa, u32 width, u64 value);

#endif /* DEVICES_BUS_H */
