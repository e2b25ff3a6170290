/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdint.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guest_ram_is_zero_aligned_to_huge_pages_and_writable_to_its_end),
		cmocka_unit_test(more_than_an_address_space_is_refused_and_nothing_is_mapped),
		cmocka_unit_test(unmapping_nothing_is_fine),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
