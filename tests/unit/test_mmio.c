/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include "devices/mmio.h"
#include "machine/base/compiler.h"

struct fake_dev {
	u32 reads;
	u32 writes;
	u32 offset[2];
	u32 value[2];
};

/* Answers with the offset in every byte, so that cutting and joining show. */
static u32 fake_read(void *dev, u32 offset)
{
	struct fake_dev *d = dev;

	if (d->reads < 2)
		d->offset[d->reads] = offset;
	d->reads++;
	return 0x01010101u * offset;
}

static void fake_write(void *dev, u32 offset, u32 value)
{
	struct fake_dev *d = dev;

	if (d->writes < 2) {
		d->offset[d->writes] = offset;
		d->value[d->writes] = value;
	}
	d->writes++;
}

/* clang-format off */
static const struct mmio_reg regs[] = {
	{ "BYTE",  0x00, 1,  MMIO_W8,            0x7f,       fake_read, fake_write },
	{ "BYTE2", 0x01, 1,  MMIO_W8,            0xff,       fake_read, fake_write },
	{ "HALF",  0x02, 2,  MMIO_W16,           0xffff,     fake_read, fake_write },
	{ "RO",    0x08, 4,  MMIO_W32,           0,          fake_read, NULL },
	{ "WO",    0x0c, 4,  MMIO_W32,           0xffffffff, NULL,      fake_write },
	{ "ARRAY", 0x10, 16, MMIO_W8 | MMIO_W32, 0xf0f0f0f0, fake_read, fake_write },
	{ "WIDE",  0x20, 16, MMIO_W32 | MMIO_W64, 0x00ffffff, fake_read, fake_write },
};
/* clang-format on */

static const struct mmio_table table = { regs, ARRAY_SIZE(regs) };

static void reads_go_to_the_register_that_takes_the_width(void **state)
{
	static const struct {
		u32 offset, width;
		u32 calls;
		u64 value;
	} rows[] = {
		{ 0x00, 1, 1, 0x00 },
		{ 0x01, 1, 1, 0x01 },
		{ 0x00, 2, 0, 0 }, /* a byte register, and two of them are no half-word */
		{ 0x00, 4, 0, 0 },
		{ 0x02, 2, 1, 0x0202 },
		{ 0x02, 1, 0, 0 },
		{ 0x03, 1, 0, 0 },
		{ 0x03, 2, 0, 0 },
		{ 0x04, 4, 0, 0 }, /* hole */
		{ 0x08, 4, 1, 0x08080808 },
		{ 0x08, 8, 0, 0 },
		{ 0x0a, 4, 0, 0 }, /* unaligned */
		{ 0x0c, 4, 0, 0 }, /* write-only */
		{ 0x10, 4, 1, 0x10101010 },
		{ 0x1c, 4, 1, 0x1c1c1c1c },
		{ 0x1f, 1, 1, 0x1f },
		{ 0x10, 2, 0, 0 },
		{ 0x10, 8, 0, 0 },
		{ 0x20, 8, 2, 0x2424242420202020 },
		{ 0x28, 8, 2, 0x2c2c2c2c28282828 },
		{ 0x24, 8, 0, 0 }, /* unaligned */
		{ 0x24, 4, 1, 0x24242424 },
		{ 0x30, 4, 0, 0 }, /* past the end */
		{ 0xffffffff, 1, 0, 0 },
		{ 0xfffffff8, 8, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fake_dev d = { 0 };
		u64 v = mmio_read(&table, &d, rows[i].offset, rows[i].width);

		if (v != rows[i].value || d.reads != rows[i].calls)
			fail_msg("row %zu: %#llx, %u calls", i, v, d.reads);
		if (d.reads && d.offset[0] != rows[i].offset)
			fail_msg("row %zu: offset %#x", i, d.offset[0]);
	}
}

static void writes_are_cut_to_the_width_and_masked(void **state)
{
	static const struct {
		u32 offset, width;
		u32 calls;
		u32 value[2];
	} rows[] = {
		{ 0x00, 1, 1, { 0x7f } },
		{ 0x01, 1, 1, { 0xff } },
		{ 0x01, 2, 0, { 0 } },
		{ 0x02, 2, 1, { 0xffff } },
		{ 0x04, 4, 0, { 0 } },
		{ 0x08, 4, 0, { 0 } }, /* read-only */
		{ 0x0c, 4, 1, { 0xffffffff } },
		{ 0x0d, 4, 0, { 0 } },
		{ 0x13, 1, 1, { 0xf0 } },
		{ 0x14, 4, 1, { 0xf0f0f0f0 } },
		{ 0x20, 8, 2, { 0x00ffffff, 0x00ffffff } },
		{ 0x2c, 4, 1, { 0x00ffffff } },
		{ 0x30, 8, 0, { 0 } },
		{ 0xfffffffc, 4, 0, { 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fake_dev d = { 0 };

		mmio_write(&table, &d, rows[i].offset, rows[i].width, ~0ull);
		if (d.writes != rows[i].calls || d.value[0] != rows[i].value[0] ||
		    d.value[1] != rows[i].value[1])
			fail_msg("row %zu: %u calls, %#x %#x", i, d.writes, d.value[0], d.value[1]);
		if (d.writes && d.offset[0] != rows[i].offset)
			fail_msg("row %zu: offset %#x", i, d.offset[0]);
		if (d.writes == 2 && d.offset[1] != rows[i].offset + 4)
			fail_msg("row %zu: second offset %#x", i, d.offset[1]);
	}
}

static void a_64_bit_write_is_its_low_half_and_then_its_high_half(void **state)
{
	struct fake_dev d = { 0 };

	mmio_write(&table, &d, 0x28, 8, 0x0000000200000001);
	assert_int_equal(d.value[0], 1);
	assert_int_equal(d.value[1], 2);
}

static void a_table_is_judged_by_order_overlap_and_widths(void **state)
{
	static const struct {
		const char *what;
		struct {
			u32 offset, len, widths, wmask;
		} reg[2];
		bool ok;
	} rows[] = {
		{ "two words", { { 0, 4, 4, 0 }, { 4, 4, 4, 0 } }, true },
		{ "bytes in a row", { { 0, 1, 1, 0 }, { 1, 1, 1, 0 } }, true },
		{ "a hole", { { 0, 4, 4, 0 }, { 64, 8, 12, 0 } }, true },
		{ "wrong order", { { 4, 4, 4, 0 }, { 0, 4, 4, 0 } }, false },
		{ "twice the same", { { 0, 4, 4, 0 }, { 0, 4, 4, 0 } }, false },
		{ "overlap", { { 0, 8, 4, 0 }, { 4, 4, 4, 0 } }, false },
		{ "no length", { { 0, 0, 4, 0 }, { 4, 4, 4, 0 } }, false },
		{ "no width", { { 0, 4, 0, 0 }, { 4, 4, 4, 0 } }, false },
		{ "unknown width", { { 0, 16, 16, 0 }, { 16, 4, 4, 0 } }, false },
		{ "offset not of the width", { { 0, 2, 2, 0 }, { 2, 4, 4, 0 } }, false },
		{ "length not of the width", { { 0, 6, 4, 0 }, { 8, 4, 4, 0 } }, false },
		{ "not of the widest", { { 0, 4, 12, 0 }, { 8, 4, 4, 0 } }, false },
		{ "mask wider than a byte", { { 0, 1, 1, 0x100 }, { 4, 4, 4, 0 } }, false },
		{ "mask as wide as a half-word", { { 0, 2, 3, 0xffff }, { 4, 4, 4, 0 } }, true },
		{ "end past 2^32", { { 0, 4, 4, 0 }, { 0xfffffffc, 8, 4, 0 } }, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mmio_reg pair[2] = { 0 };
		const struct mmio_table t = { pair, 2 };

		for (size_t n = 0; n < 2; n++) {
			pair[n].offset = rows[i].reg[n].offset;
			pair[n].len = rows[i].reg[n].len;
			pair[n].widths = rows[i].reg[n].widths;
			pair[n].wmask = rows[i].reg[n].wmask;
		}
		if (mmio_table_ok(&t) != rows[i].ok)
			fail_msg("%s", rows[i].what);
	}
	assert_true(mmio_table_ok(&table));
	assert_true(mmio_table_ok(&(const struct mmio_table){ NULL, 0 }));
}

static void an_empty_table_is_all_hole(void **state)
{
	const struct mmio_table none = { NULL, 0 };

	assert_int_equal(mmio_read(&none, NULL, 0, 4), 0);
	mmio_write(&none, NULL, 0, 4, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_go_to_the_register_that_takes_the_width),
		cmocka_unit_test(writes_are_cut_to_the_width_and_masked),
		cmocka_unit_test(a_64_bit_write_is_its_low_half_and_then_its_high_half),
		cmocka_unit_test(a_table_is_judged_by_order_overlap_and_widths),
		cmocka_unit_test(an_empty_table_is_all_hole),
	};

	return cmocka_run_group_tests_name("mmio", tests, NULL, NULL);
}
