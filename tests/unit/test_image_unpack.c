/* SPDX-License-Identifier: MIT */
#include "tests/unit/image_files.h"

static void a_packed_image_loads_as_the_image_in_it(void **state)
{
	static const size_t lens[] = { 64, 65, 100, 1000000 };
	struct fixture *f = *state;
	u8 *plain = malloc(FILE_MAX);

	for (u32 i = 0; i < NR_PACKINGS * ARRAY_SIZE(lens); i++) {
		size_t len = lens[i / NR_PACKINGS];

		make_image(f, len, 0x10000, 2 * MIB);
		memcpy(plain, f->file, len);
		pack_file(f, i % NR_PACKINGS);
		expect_loaded(f, load(f));
		assert_int_equal(f->img.kernel, RAM + 0x10000);
		assert_int_equal(f->img.kernel_end, RAM + 0x10000 + 2 * MIB);
		expect_in_ram(f, f->img.kernel, plain, len);
		assert_int_equal(f->ram.host[0x10000 + len], 0);
	}
	free(plain);
}

static void a_packed_flat_binary_is_one_too(void **state)
{
	struct fixture *f = *state;
	u8 plain[1000];

	make_flat(f, sizeof(plain));
	memcpy(plain, f->file, sizeof(plain));
	pack_file(f, GZIP);
	expect_loaded(f, load(f));
	assert_int_equal(f->img.entry, RAM + 0x80000);
	expect_in_ram(f, RAM + 0x80000, plain, sizeof(plain));
}

static void what_unpacks_to_more_than_ram_is_refused(void **state)
{
	static const enum packing how[] = { GZIP, ZSTD, ZBOOT_GZIP };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
		assert_int_equal(set_ram(f, 2 * MIB), 0);
		make_image(f, 2 * MIB, 0, 0x1000);
		pack_file(f, how[i]);
		expect_refused(f, load(f), "do not fit into 2 MiB");

		make_image(f, 2 * MIB + 1, 0, 0x1000);
		pack_file(f, how[i]);
		expect_refused(f, load(f), "does not fit into 2 MiB");
	}
}

static void a_wrong_checksum_is_damage(void **state)
{
	struct fixture *f = *state;

	make_image(f, 100000, 0, 0x1000);
	pack_file(f, GZIP);
	f->file[f->len - 8] ^= 1; /* CRC32 */
	expect_refused(f, load(f), "damaged");
	make_image(f, 64, 0, 0x1000);
	pack_file(f, GZIP);
	f->file[f->len - 4] ^= 1; /* ISIZE */
	expect_refused(f, load(f), "damaged");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_packed_image_loads_as_the_image_in_it),
		T(a_packed_flat_binary_is_one_too),
		T(what_unpacks_to_more_than_ram_is_refused),
		T(a_wrong_checksum_is_damage),
	};

	return cmocka_run_group_tests_name("image_unpack", tests, NULL, NULL);
}
