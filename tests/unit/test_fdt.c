/* SPDX-License-Identifier: MIT */
#include "tests/unit/fdt_files.h"

static void a_written_tree_reads_back(void **state)
{
	static const u32 cells[] = { 1, 0xffffffff, 0x80000000 };
	static const u64 words[] = { 0x123456789, 0x1000, 0xfedcba9876543210, 0x20 };
	struct fixture *f = *state;
	struct dt d;
	int len;

	dt_start(&d, f->buf, ROOM);
	dt_u32(&d, "one", 0x12345678);
	dt_u64(&d, "two", 0x123456789abcdef0);
	dt_cells(&d, "three", cells, 3);
	dt_cells(&d, "none", NULL, 0);
	dt_string(&d, "string", "words");
	dt_bytes(&d, "bytes", "\1\2\3", 4);
	dt_empty(&d, "empty");
	dt_node_at(&d, "child", 0x3000000ff);
	dt_reg(&d, words, 4);
	dt_path(&d, "self", "", "child", 0x3000000ff);
	dt_path(&d, "below", "/child@3000000ff", "x", 0);
	dt_close(&d);
	len = dt_end(&d);

	assert_int_equal(len, fdt_totalsize(f->buf));
	assert_int_equal(fdt_check_full(f->buf, (size_t)len), 0);
	expect_cells(f->buf, "/", "one", "12345678");
	expect_cells(f->buf, "/", "two", "12345678 9abcdef0");
	expect_cells(f->buf, "/", "three", "1 ffffffff 80000000");
	expect_text(f->buf, "/", "string", "words");
	expect_cells(f->buf, "/", "bytes", "1020300");
	assert_non_null(fdt_getprop(f->buf, 0, "empty", &len));
	assert_int_equal(len, 0);
	expect_cells(f->buf, "/child@3000000ff", "reg", "1 23456789 0 1000 fedcba98 76543210 0 20");
	expect_text(f->buf, "/child@3000000ff", "self", "/child@3000000ff");
	expect_text(f->buf, "/child@3000000ff", "below", "/child@3000000ff/x@0");
}

static void the_first_error_of_a_writer_sticks(void **state)
{
	static const u64 words[5] = { 0 };
	struct fixture *f = *state;
	struct caught said;
	struct dt d;
	int r;

	caught_begin(&said);
	dt_start(&d, f->buf, 40);
	dt_u32(&d, "one", 1);
	dt_node(&d, "child");
	dt_close(&d);
	r = dt_end(&d);
	if (caught_end(&said) != 1 || r != -ENOSPC)
		fail_msg("%d: %s", r, said.text);

	caught_begin(&said);
	dt_start(&d, f->buf, ROOM);
	dt_reg(&d, words, 5); /* more than any node of ours has */
	dt_u32(&d, "one", 1);
	r = dt_end(&d);
	if (caught_end(&said) != 1 || r != -EINVAL)
		fail_msg("%d: %s", r, said.text);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_written_tree_reads_back),
		T(the_first_error_of_a_writer_sticks),
	};

	return cmocka_run_group_tests_name("fdt", tests, NULL, NULL);
}
