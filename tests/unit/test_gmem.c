/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include "machine/base/bits.h"
#include "machine/base/compiler.h"
#include "machine/base/gmem.h"

#define BASE 0x80000000ull
#define SIZE (64 * KIB)

/* The top of RAM at the very end of what an address can say. */
#define HIGH (0ull - SIZE)

static void gmem_ptr_takes_all_of_ram_and_nothing_else(void **state)
{
	static const struct {
		gpa_t base, gpa;
		u64 len;
		bool ok;
	} rows[] = {
		{ BASE, BASE, 1, true },
		{ BASE, BASE, SIZE, true }, /* all of it, up to the last byte */
		{ BASE, BASE + SIZE - 1, 1, true },
		{ BASE, BASE + SIZE - 8, 8, true },
		{ BASE, BASE, 0, true },
		{ BASE, BASE + SIZE, 0, true },
		{ BASE, BASE + SIZE, 1, false },
		{ BASE, BASE + SIZE + 1, 0, false },
		{ BASE, BASE, SIZE + 1, false },
		{ BASE, BASE + SIZE - 1, 2, false },
		{ BASE, BASE + SIZE - 4, 8, false },
		{ BASE, BASE - 1, 1, false },
		{ BASE, BASE - 1, 2, false },
		{ BASE, BASE - 1, 0, false },
		{ BASE, 0, 0, false },
		{ BASE, 0, 1, false },
		{ BASE, BASE, ~0ull, false },
		{ BASE, BASE + 1, ~0ull, false }, /* gpa + len wraps to BASE */
		{ BASE, BASE + 16, 0ull - 16, false },
		{ BASE, ~0ull, 1, false },
		{ BASE, ~0ull, BASE + 2, false }, /* wraps into RAM */
		{ HIGH, HIGH, SIZE, true },
		{ HIGH, ~0ull, 1, true },
		{ HIGH, ~0ull, 2, false },
		{ HIGH, 0, 1, false },
		{ HIGH, HIGH - 1, 1, false },
		{ 0, 0, SIZE, true },
		{ 0, SIZE, 1, false },
		{ 0, ~0ull, 1, false },
	};
	u8 *ram = test_malloc(SIZE);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct gmem g = { ram, rows[i].base, SIZE };
		const u8 *p = gmem_ptr(&g, rows[i].gpa, rows[i].len);

		if ((p != NULL) != rows[i].ok)
			fail_msg("row %zu: gpa %#llx len %#llx gave %p", i, rows[i].gpa,
			         rows[i].len, (const void *)p);
		if (p)
			assert_ptr_equal(p, ram + (rows[i].gpa - rows[i].base));
	}
	test_free(ram);
}

static void gmem_ptr_has_nothing_where_there_is_no_ram(void **state)
{
	u8 byte;
	const struct gmem g = { &byte, BASE, 0 };

	assert_null(gmem_ptr(&g, BASE, 1));
	assert_null(gmem_ptr(&g, BASE - 1, 1));
	assert_null(gmem_ptr(&g, 0, ~0ull));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gmem_ptr_takes_all_of_ram_and_nothing_else),
		cmocka_unit_test(gmem_ptr_has_nothing_where_there_is_no_ram),
	};

	return cmocka_run_group_tests_name("gmem", tests, NULL, NULL);
}
