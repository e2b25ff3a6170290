/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "devices/bus.h"

/* A device that remembers the last access and answers all ones. */
struct fake_dev {
	u32 offset;
	u32 width;
	u64 value;
	unsigned int reads;
	unsigned int writes;
};

static u64 fake_read(void *dev, u32 offset, u32 width)
{
	struct fake_dev *d = dev;

	d->offset = offset;
	d->width = width;
	d->reads++;
	return ~0ull;
}

static void fake_write(void *dev, u32 offset, u32 width, u64 value)
{
	struct fake_dev *d = dev;

	d->offset = offset;
	d->width = width;
	d->value = value;
	d->writes++;
}

static const struct bus_ops fake_ops = { .read = fake_read, .write = fake_write };

static int setup(void **state)
{
	struct bus *b;
	int err = bus_create(&b);

	*state = b;
	return err;
}

static int teardown(void **state)
{
	bus_destroy(*state);
	return 0;
}

static void a_region_must_be_free_and_inside_the_address_space(void **state)
{
	static const struct {
		gpa_t base;
		u64 size;
		int err;
	} rows[] = {
		{ 0x1000, 0x1000, 0 }, /* all others are judged against this one */
		{ 0x1000, 0x1000, -EEXIST },
		{ 0x0fff, 2, -EEXIST },
		{ 0x1fff, 1, -EEXIST },
		{ 0x1800, 1, -EEXIST },
		{ 0, 0x10000, -EEXIST },
		{ 0x0fff, 1, 0 },
		{ 0x2000, 1, 0 },
		{ 0x3000, 0, -EINVAL },
		{ ~0ull, 2, -EINVAL },
		{ ~0ull, 1, 0 },
		{ ~0ull - 1, 2, -EEXIST },
		{ 0x100000000, (1ull << 32) + 1, -EINVAL },
		{ 0x100000000, 1ull << 32, 0 },
		{ 0x1ffffffff, 1, -EEXIST },
		{ 0x200000000, 1, 0 },
	};
	static struct fake_dev d;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int err = bus_add(*state, "d", rows[i].base, rows[i].size, &fake_ops, &d);

		if (err != rows[i].err)
			fail_msg("row %zu: %d, not %d", i, err, rows[i].err);
	}
}

/* One row per access; the regions are [0x1000,0x1100), [0x1100,0x1104), [2^64-16,2^64). */
static void an_access_hits_only_when_all_of_it_is_inside(void **state)
{
	static const struct {
		gpa_t gpa;
		u32 width;
		int dev; /* -1: miss */
		u32 offset;
	} rows[] = {
		{ 0, 8, -1, 0 },         { 0x0fff, 1, -1, 0 },     { 0x0ffc, 8, -1, 0 },
		{ 0x1000, 1, 0, 0 },     { 0x1000, 8, 0, 0 },      { 0x10ff, 1, 0, 0xff },
		{ 0x10ff, 2, -1, 0 }, /* the rest would be the neighbour's */
		{ 0x10fc, 4, 0, 0xfc },  { 0x10fc, 8, -1, 0 },     { 0x1100, 4, 1, 0 },
		{ 0x1102, 2, 1, 2 },     { 0x1100, 8, -1, 0 },     { 0x1103, 2, -1, 0 },
		{ 0x1104, 1, -1, 0 },    { ~0ull - 16, 1, -1, 0 }, { ~0ull - 15, 8, 2, 0 },
		{ ~0ull - 7, 8, 2, 8 },  { ~0ull, 1, 2, 15 },      { ~0ull, 2, -1, 0 }, /* wraps */
		{ ~0ull - 2, 4, -1, 0 }, { ~0ull - 6, 8, -1, 0 },
	};
	struct fake_dev d[3] = { 0 };
	u64 v;

	assert_int_equal(bus_add(*state, "top", ~0ull - 15, 16, &fake_ops, &d[2]), 0);
	assert_int_equal(bus_add(*state, "a", 0x1000, 0x100, &fake_ops, &d[0]), 0);
	assert_int_equal(bus_add(*state, "b", 0x1100, 4, &fake_ops, &d[1]), 0);
	bus_freeze(*state);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool hit;

		memset(d, 0, sizeof(d));
		v = 1;
		hit = bus_read(*state, rows[i].gpa, rows[i].width, &v);
		if (hit != (rows[i].dev >= 0) || (!hit && v != 0))
			fail_msg("row %zu: read %d, %#llx", i, hit, v);

		hit = bus_write(*state, rows[i].gpa, rows[i].width, 0);
		if (hit != (rows[i].dev >= 0))
			fail_msg("row %zu: write %d", i, hit);

		for (int n = 0; n < 3; n++) {
			unsigned int want = n == rows[i].dev;

			if (d[n].reads != want || d[n].writes != want)
				fail_msg("row %zu: device %d was asked", i, n);
			if (want && (d[n].offset != rows[i].offset || d[n].width != rows[i].width))
				fail_msg("row %zu: offset %#x width %u", i, d[n].offset,
				         d[n].width);
		}
	}
}

static void values_are_zero_extended_both_ways(void **state)
{
	static const struct {
		u32 width;
		u64 ones;
	} rows[] = { { 1, 0xff }, { 2, 0xffff }, { 4, 0xffffffff }, { 8, ~0ull } };
	struct fake_dev d = { 0 };
	u64 v;

	assert_int_equal(bus_add(*state, "d", 0, 8, &fake_ops, &d), 0);
	bus_freeze(*state);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(bus_read(*state, 0, rows[i].width, &v));
		assert_true(v == rows[i].ones);
		assert_true(bus_write(*state, 0, rows[i].width, ~0ull));
		assert_true(d.value == rows[i].ones);
	}
}

static void an_empty_bus_answers_nothing(void **state)
{
	u64 v = 1;

	bus_freeze(*state);
	assert_false(bus_read(*state, 0, 4, &v));
	assert_int_equal(v, 0);
	assert_false(bus_write(*state, ~0ull, 8, 0));
}

/* Every number of regions from 1 to 70, put in from the outside in; each is found, no gap is. */
static void every_region_is_found_whatever_the_order_and_the_number(void **state)
{
	static struct fake_dev d[70];

	for (u32 nr = 1; nr <= ARRAY_SIZE(d); nr++) {
		struct bus *b;
		u64 v;

		assert_int_equal(bus_create(&b), 0);
		for (u32 i = 0; i < nr; i++) {
			u32 at = i % 2 ? nr - 1 - i / 2 : i / 2;

			assert_int_equal(
				bus_add(b, "d", 0x1000 + at * 0x20ull, 0x10, &fake_ops, &d[at]), 0);
		}
		bus_freeze(b);
		for (u32 i = 0; i < nr; i++) {
			d[i].reads = 0;
			assert_true(bus_read(b, 0x100f + i * 0x20ull, 1, &v));
			assert_int_equal(d[i].reads, 1);
			assert_int_equal(d[i].offset, 15);
			assert_false(bus_read(b, 0x1010 + i * 0x20ull, 1, &v));
		}
		bus_destroy(b);
	}
}

/* What the look-up table has one entry for, and where it ends. */
static void regions_are_told_apart_within_a_block_and_at_the_end_of_the_table(void **state)
{
	static const struct {
		gpa_t base;
		u64 size;
	} rows[] = {
		{ 0x1000, 0x10 },      { 0x1010, 0x10 },  { 0x1100, 0x300 },    { 0x1400, 1 },
		{ 0x3ffffe00, 0x200 }, { 0x40000000, 4 }, { 0x7ffffff0, 0x20 },
	};
	struct fake_dev devs[sizeof(rows) / sizeof(rows[0])] = { 0 };
	struct bus *b = *state;
	u64 v;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(bus_add(b, "x", rows[i].base, rows[i].size, &fake_ops, &devs[i]),
		                 0);
	bus_freeze(b);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(bus_read(b, rows[i].base, 1, &v));
		assert_int_equal(devs[i].offset, 0);
		assert_true(bus_read(b, rows[i].base + rows[i].size - 1, 1, &v));
		if (devs[i].offset != rows[i].size - 1 || devs[i].reads != 2)
			fail_msg("row %zu: offset %#x, %u reads", i, devs[i].offset, devs[i].reads);
	}
	assert_false(bus_read(b, 0x1020, 1, &v));
	assert_false(bus_read(b, 0x10ff, 1, &v));
	assert_false(bus_read(b, 0x1401, 1, &v));
	assert_false(bus_read(b, 0x40000004, 1, &v));
}

static void destroying_nothing_is_fine(void **state)
{
	bus_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_region_must_be_free_and_inside_the_address_space,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(an_access_hits_only_when_all_of_it_is_inside, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(values_are_zero_extended_both_ways, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(an_empty_bus_answers_nothing, setup, teardown),
		cmocka_unit_test(every_region_is_found_whatever_the_order_and_the_number),
		cmocka_unit_test_setup_teardown(
			regions_are_told_apart_within_a_block_and_at_the_end_of_the_table, setup,
			teardown),
		cmocka_unit_test(destroying_nothing_is_fine),
	};

	return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
