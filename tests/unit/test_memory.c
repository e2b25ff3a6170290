/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/base/bits.h"
#include "machine/base/compiler.h"
#include "machine/memory.h"

static void guest_ram_is_zero_aligned_to_huge_pages_and_writable_to_its_end(void **state)
{
	static const u64 sizes[] = { 4 * KIB, 64 * KIB, 2 * MIB, 16 * MIB, 3 * GIB };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct gmem g;

		assert_int_equal(memory_map(0x80000000, sizes[i], &g), 0);
		assert_int_equal((uintptr_t)g.host % (2 * MIB), 0);
		assert_int_equal(g.base, 0x80000000);
		assert_int_equal(g.size, sizes[i]);
		assert_int_equal(g.host[0], 0);
		assert_int_equal(g.host[sizes[i] - 1], 0);
		g.host[sizes[i] - 1] = 1;
		memory_unmap(&g);
		assert_null(g.host);
	}
}

static void more_than_an_address_space_is_refused_and_nothing_is_mapped(void **state)
{
	static const u64 sizes[] = { 1ull << 62, ~0ull & ~0xfffull };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct gmem g = { 0 };

		assert_int_equal(memory_map(0x80000000, sizes[i], &g), -ENOMEM);
		assert_null(g.host);
	}
}

static void unmapping_nothing_is_fine(void **state)
{
	struct gmem g = { 0 };

	memory_unmap(&g);
	assert_null(g.host);
}

enum { BASE = 0x80000000 };

/* A pattern that no two pages have in common; never all zero in a page. */
static void fill(const struct gmem *g, u64 from, u64 size)
{
	for (u64 i = from; i < from + size; i++)
		g->host[i] = (u8)((i >> 12) * 7 + i * 13 + 1);
}

/* RAM with pieces filled in, which is kept; and a copy of it. */
struct kept {
	struct gmem ram;
	u8 *copy;
};

static void keep(struct kept *k, u64 size, const struct memory_range *r, u32 nr)
{
	assert_int_equal(memory_map(BASE, size, &k->ram), 0);
	for (u32 i = 0; i < nr; i++)
		fill(&k->ram, r[i].start - BASE, r[i].size);
	k->copy = malloc(size);
	assert_non_null(k->copy);
	memcpy(k->copy, k->ram.host, size);
	assert_int_equal(memory_keep(&k->ram, r, nr), 0);
}

static void drop(struct kept *k)
{
	memory_unmap(&k->ram);
	free(k->copy);
}

static void assert_as_kept(const struct kept *k, const char *when, size_t row)
{
	if (memcmp(k->ram.host, k->copy, k->ram.size) != 0)
		fail_msg("row %zu: RAM is different %s", row, when);
}

static void what_was_loaded_is_the_same_after_keeping_and_after_each_restore(void **state)
{
	static const struct {
		struct memory_range r[MEMORY_KEEP_MAX];
		u32 nr;
	} rows[] = {
		{ { { BASE, 4096 } }, 1 },
		{ { { BASE, 4 * MIB } }, 1 }, /* all of RAM */
		{ { { BASE + 4 * MIB - 1, 1 } }, 1 }, /* the last byte */
		{ { { BASE + 1, 1 }, { BASE + 5000, 10 } }, 2 }, /* unaligned */
		{ { { BASE + 100, 50 }, { BASE + 3000, 50 } }, 2 }, /* two in a page */
		{ { { BASE + 8192, 9000 }, { BASE + 10000, 20000 } }, 2 }, /* overlapping */
		{ { { BASE + 16384, 4096 }, { BASE, 16384 } }, 2 }, /* touching, backwards */
		{ { { BASE, 65536 }, { BASE + 4096, 10 } }, 2 }, /* one inside the other */
		{ { { BASE + 4096, 10 }, { BASE, 65536 } }, 2 }, /* likewise, backwards */
		{ { { BASE + 3 * MIB, MIB }, { BASE + MIB, 100 }, { BASE, 300 } }, 3 },
		{ { { BASE + MIB, 0 }, { BASE, 4096 }, { BASE + 4 * MIB, 0 } }, 3 }, /* empty */
		{ { { BASE, 0 } }, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct kept k;

		keep(&k, 4 * MIB, rows[i].r, rows[i].nr);
		assert_as_kept(&k, "after keeping", i);
		for (int n = 0; n < 3; n++) {
			memset(k.ram.host, 0xa5 + n, k.ram.size);
			assert_int_equal(memory_restore(&k.ram), 0);
			assert_as_kept(&k, "after a restore", i);
		}
		drop(&k);
	}
}

static void a_range_that_is_not_wholly_in_ram_is_refused_and_ram_stays_as_it_is(void **state)
{
	static const struct memory_range rows[] = {
		{ BASE - 1, 2 },       { BASE + 2 * MIB, 1 },         { BASE + 2 * MIB - 1, 2 },
		{ BASE, 2 * MIB + 1 }, { BASE + 4096, ~0ull - 4095 }, { 0, 4096 },
	};
	struct memory_range many[MEMORY_KEEP_MAX + 1] = { { 0 } };
	struct gmem ram;

	assert_int_equal(memory_map(BASE, 2 * MIB, &ram), 0);
	fill(&ram, 0, 8192);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (memory_keep(&ram, &rows[i], 1) != -EINVAL)
			fail_msg("row %zu is accepted", i);
	assert_int_equal(memory_keep(&ram, many, ARRAY_SIZE(many)), -E2BIG);
	for (u64 i = 0; i < 8192; i++)
		assert_int_equal(ram.host[i], (u8)((i >> 12) * 7 + i * 13 + 1));
	memory_unmap(&ram);
}

/* A number of /proc/self/status, in KiB. */
static long status_kib(const char *field)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long v = -1;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, field, strlen(field)) == 0)
			v = strtol(line + strlen(field) + 1, NULL, 10);
	(void)fclose(f);
	assert_true(v >= 0);
	return v;
}

static size_t open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	(void)closedir(d);
	return n;
}

static void a_thousand_restores_leave_no_memory_and_no_descriptor_behind(void **state)
{
	static const struct memory_range r[] = { { BASE + 512, 300000 }, { BASE + MIB, 5000 } };
	size_t fds = open_files();
	struct kept k;
	long shmem = 0, anon = 0;

	keep(&k, 2 * MIB, r, ARRAY_SIZE(r));
	assert_int_equal(open_files(), fds);
	for (int i = 0; i < 1000; i++) {
		memset(k.ram.host, i | 1, k.ram.size);
		assert_int_equal(memory_restore(&k.ram), 0);
		assert_int_equal(memcmp(k.ram.host, k.copy, k.ram.size), 0);
		if (i == 10) {
			shmem = status_kib("RssShmem");
			anon = status_kib("RssAnon");
		}
	}
	assert_true(status_kib("RssShmem") <= shmem);
	assert_true(status_kib("RssAnon") <= anon + 256);
	assert_int_equal(open_files(), fds);
	drop(&k);
}

/* A line of /proc/self/smaps that begins with @field, of the mapping that @at is in. */
static void smaps_line(const void *at, const char *field, char *out, size_t size)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512];
	bool here = false;

	assert_non_null(f);
	memset(out, 0, size);
	while (fgets(line, sizeof(line), f)) {
		char *dash, *space;
		uintptr_t from = strtoul(line, &dash, 16);
		uintptr_t to = *dash == '-' ? strtoul(dash + 1, &space, 16) : 0;

		if (to)
			here = (uintptr_t)at >= from && (uintptr_t)at < to;
		else if (here && strncmp(line, field, strlen(field)) == 0)
			(void)stpncpy(out, line + strlen(field), size - 1);
	}
	(void)fclose(f);
	assert_true(out[0]);
}

static void the_kept_part_is_not_dumped_either_and_has_the_same_advice(void **state)
{
	static const struct memory_range r[] = { { BASE + 2 * MIB, 3 * MIB } };
	static const u64 at[] = { 0, 2 * MIB, 5 * MIB };
	struct kept k;

	keep(&k, 8 * MIB, r, ARRAY_SIZE(r));
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		char flags[512], huge[512];

		smaps_line(k.ram.host + at[i], "VmFlags:", flags, sizeof(flags));
		smaps_line(k.ram.host, "VmFlags:", huge, sizeof(huge));
		assert_non_null(strstr(flags, " dd"));
		/* Where the host has no huge pages at all there is nothing to be the same. */
		assert_int_equal(strstr(flags, " hg") != NULL, strstr(huge, " hg") != NULL);
	}
	drop(&k);
}

/* A guest that reads all of its RAM must not fill the file's holes for good. */
static void zeros_within_a_range_cost_nothing_for_good(void **state)
{
	static const struct memory_range r[] = { { BASE, 32 * MIB } };
	struct gmem ram;
	long before;
	u32 sum = 0;

	assert_int_equal(memory_map(BASE, 32 * MIB, &ram), 0);
	fill(&ram, 0, 4096);
	fill(&ram, 31 * MIB, 4096);
	before = status_kib("RssShmem");
	assert_int_equal(memory_keep(&ram, r, ARRAY_SIZE(r)), 0);
	for (u64 i = 0; i < ram.size; i += 4096)
		sum += ram.host[i];
	assert_true(sum);
	assert_true(status_kib("RssShmem") <= before + 64);

	memset(ram.host, 0xff, ram.size);
	assert_int_equal(memory_restore(&ram), 0);
	for (u64 i = 4096; i < 31 * MIB; i += 64)
		assert_int_equal(ram.host[i], 0);
	memory_unmap(&ram);
}

static void ram_of_which_nothing_is_kept_is_zero_after_a_restore(void **state)
{
	struct gmem ram;

	assert_int_equal(memory_map(BASE, 64 * KIB, &ram), 0);
	memset(ram.host, 0xff, ram.size);
	assert_int_equal(memory_restore(&ram), 0);
	for (u64 i = 0; i < ram.size; i++)
		assert_int_equal(ram.host[i], 0);
	memory_unmap(&ram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_loaded_is_the_same_after_keeping_and_after_each_restore),
		cmocka_unit_test(
			a_range_that_is_not_wholly_in_ram_is_refused_and_ram_stays_as_it_is),
		cmocka_unit_test(a_thousand_restores_leave_no_memory_and_no_descriptor_behind),
		cmocka_unit_test(the_kept_part_is_not_dumped_either_and_has_the_same_advice),
		cmocka_unit_test(zeros_within_a_range_cost_nothing_for_good),
		cmocka_unit_test(ram_of_which_nothing_is_kept_is_zero_after_a_restore),
		cmocka_unit_test(guest_ram_is_zero_aligned_to_huge_pages_and_writable_to_its_end),
		cmocka_unit_test(more_than_an_address_space_is_refused_and_nothing_is_mapped),
		cmocka_unit_test(unmapping_nothing_is_fine),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
