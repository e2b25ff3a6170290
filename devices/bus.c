/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices/bus.h"
#include "machine/base/log.h"

struct region {
	gpa_t base;
	u64 size; /* bytes, 1..BUS_REGION_MAX */
	const struct bus_ops *ops;
	void *dev;
	const char *name;
};

/*
 * Below 1 GiB, where all devices of ours are, a table says which region a block
 * of addresses belongs to: an exit costs one look instead of a search. It is
 * mostly zero pages that nobody touches.
 */
enum {
	BLOCK_SHIFT = 9, /* the size of a virtio-mmio device */
	BLOCKS = 1 << (30 - BLOCK_SHIFT),
	SHARED = 0xff, /* more than one region, or too many to number: search */
};

struct bus {
	u8 *block; /* BLOCKS of them: 0 none, SHARED, or the region's place in regions, plus 1 */
	gpa_t *bases; /* ascending; apart, so that the search touches few cache lines */
	struct region *regions; /* in the same order */
	size_t nr;
	size_t room; /* entries allocated in both arrays */
	bool frozen;
};

int bus_create(struct bus **out)
{
	struct bus *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->block = calloc(BLOCKS, sizeof(*b->block));
	if (!b->block) {
		free(b);
		return -ENOMEM;
	}
	*out = b;
	return 0;
}

void bus_destroy(struct bus *b)
{
	if (!b)
		return;
	free(b->block);
	free(b->bases);
	free(b->regions);
	free(b);
}

static int make_room(struct bus *b)
{
	size_t room = b->room ? b->room * 2 : 16;
	struct region *regions;
	gpa_t *bases;

	if (b->nr < b->room)
		return 0;

	bases = reallocarray(b->bases, room, sizeof(*bases));
	if (!bases)
		return -ENOMEM;
	b->bases = bases;

	regions = reallocarray(b->regions, room, sizeof(*regions));
	if (!regions)
		return -ENOMEM;
	b->regions = regions;

	b->room = room;
	return 0;
}

static bool overlaps(const struct region *r, gpa_t base, u64 size)
{
	/* Distances, not ends: an end can be 2^64. */
	return r->base <= base ? base - r->base < r->size : r->base - base < size;
}

int bus_add(struct bus *b, const char *name, gpa_t base, u64 size, const struct bus_ops *ops,
            void *dev)
{
	size_t at = 0;
	int err;

	assert(!b->frozen);
	assert(ops->read && ops->write);

	if (size == 0 || size > BUS_REGION_MAX || base + (size - 1) < base)
		return -EINVAL;

	for (size_t i = 0; i < b->nr; i++) {
		const struct region *r = &b->regions[i];

		if (overlaps(r, base, size)) {
			log_at(LOG_DEBUG, "bus: %s at 0x%llx runs into %s", name, base, r->name);
			return -EEXIST;
		}
		if (r->base < base)
			at = i + 1;
	}

	err = make_room(b);
	if (err < 0)
		return err;

	memmove(&b->bases[at + 1], &b->bases[at], (b->nr - at) * sizeof(b->bases[0]));
	memmove(&b->regions[at + 1], &b->regions[at], (b->nr - at) * sizeof(b->regions[0]));
	b->bases[at] = base;
	b->regions[at] = (struct region){
		.base = base,
		.size = size,
		.ops = ops,
		.dev = dev,
		.name = name,
	};
	b->nr++;
	return 0;
}

static void number_blocks(struct bus *b, size_t i)
{
	u64 first = b->regions[i].base >> BLOCK_SHIFT;
	u64 last = (b->regions[i].base + (b->regions[i].size - 1)) >> BLOCK_SHIFT;

	for (u64 n = first; n <= last && n < BLOCKS; n++)
		b->block[n] = b->block[n] || i + 1 >= SHARED ? SHARED : (u8)(i + 1);
}

void bus_freeze(struct bus *b)
{
	for (size_t i = 0; i < b->nr; i++)
		number_blocks(b, i);
	b->frozen = true;
}

/*
 * The last region that starts at or below @gpa, or the first of all. Which
 * device a guest touches next is what a branch predictor guesses wrong, so a
 * comparison makes a number here and not a choice of path.
 */
static size_t search(const struct bus *b, gpa_t gpa)
{
	size_t at = 0;

	for (size_t n = b->nr; n > 1;) {
		size_t half = n / 2;

		at += half & -(size_t)(b->bases[at + half] <= gpa);
		n -= half;
	}
	return at;
}

/* Return: the region that holds all of the access, NULL on a miss. */
static const struct region *find(const struct bus *b, gpa_t gpa, u32 width)
{
	u8 block = gpa >> BLOCK_SHIFT < BLOCKS ? b->block[gpa >> BLOCK_SHIFT] : SHARED;
	const struct region *r;
	u64 off;

	assert(b->frozen);

	if (block == 0 || b->nr == 0)
		return NULL;
	r = &b->regions[block == SHARED ? search(b, gpa) : block - 1u];

	/* A region does not wrap, so below its base this is more than its size. */
	off = gpa - r->base;
	return off < r->size && r->size - off >= width ? r : NULL;
}

static u64 zero_extend(u64 value, u32 width)
{
	return value & (~0ull >> (64 - 8 * width));
}

bool bus_read(const struct bus *b, gpa_t gpa, u32 width, u64 *value)
{
	const struct region *r = find(b, gpa, width);

	if (!r) {
		*value = 0;
		return false;
	}
	*value = zero_extend(r->ops->read(r->dev, (u32)(gpa - r->base), width), width);
	return true;
}

bool bus_write(const struct bus *b, gpa_t gpa, u32 width, u64 value)
{
	const struct region *r = find(b, gpa, width);

	if (!r)
		return false;
	r->ops->write(r->dev, (u32)(gpa - r->base), width, zero_extend(value, width));
	return true;
}
