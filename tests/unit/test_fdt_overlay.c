/* SPDX-License-Identifier: MIT */
#include "tests/unit/fdt_files.h"

/*
 * Two fragments: a new node under the root, a property for the node that has
 * @label.
 */
static void make_overlay(struct fixture *f, const char *label)
{
	struct dt d;

	memset(f->file, 0, ROOM);
	dt_start(&d, f->file, ROOM);
	dt_node(&d, "fragment@0");
	dt_string(&d, "target-path", "/");
	dt_node(&d, "__overlay__");
	dt_node(&d, "added");
	dt_u32(&d, "phandle", 1);
	dt_close(&d);
	dt_close(&d);
	dt_close(&d);
	dt_node(&d, "fragment@1");
	dt_u32(&d, "target", 0xffffffff);
	dt_node(&d, "__overlay__");
	dt_u32(&d, "added", 1);
	dt_close(&d);
	dt_close(&d);
	dt_node(&d, "__fixups__");
	dt_string(&d, label, "/fragment@1:target:0");
	dt_close(&d);
	dt_node(&d, "__local_fixups__");
	dt_node(&d, "fragment@1");
	dt_node(&d, "__overlay__");
	dt_u32(&d, "added", 0);
	dt_close(&d);
	dt_close(&d);
	dt_close(&d);
	assert_true(dt_end(&d) > 0);
}

static void an_overlay_reaches_nodes_by_path_and_label(void **state)
{
	struct fixture *f = *state;

	make_base(f, 2, 2);
	expect_done(f, adopt(f));
	make_overlay(f, "mc");
	expect_done(f, overlay(f));
	/* The tree's largest phandle is 5, the overlay's own come behind it. */
	expect_cells(f->buf, "/added", "phandle", "6");
	expect_cells(f->buf, "/memory-controller@1000", "added", "6");
	make_overlay(f, "mc");
	expect_done(f, overlay(f));
}

static void an_overlay_that_does_not_fit_changes_nothing(void **state)
{
	static const struct {
		const char *label, *why;
	} rows[] = {
		{ "other", "needs the label 'other', which the tree does not have" },
		{ "\033[2J", "needs the label '?'" },
	};
	struct fixture *f = *state;
	void *before = malloc(ROOM);
	size_t len;

	make_base(f, 2, 2);
	expect_done(f, adopt(f));
	memcpy(before, f->buf, ROOM);
	len = fdt_totalsize(f->buf);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		make_overlay(f, rows[i].label);
		expect_refused(f, overlay(f), -EINVAL, rows[i].why);
		assert_memory_equal(f->buf, before, ROOM);
	}
	make_overlay(f, "mc");
	expect_refused(f, overlay_bytes(f, fdt_totalsize(f->file), len), -ENOSPC, "does not fit");
	assert_memory_equal(f->buf, before, ROOM);
	expect_refused(f, overlay_bytes(f, fdt_totalsize(f->file) - 1, ROOM), -EINVAL,
	               "is truncated");
	make_deep(f, 33);
	expect_refused(f, overlay(f), -EINVAL, "nests deeper");

	/* A path in a fixup that leads nowhere */
	make_overlay(f, "mc");
	assert_int_equal(fdt_setprop_string(f->file, fdt_path_offset(f->file, "/fragment@0"),
	                                    "target-path", "?"),
	                 0);
	expect_refused(f, overlay(f), -EINVAL, "overlay");
	assert_memory_equal(f->buf, before, ROOM);
	free(before);
}

/*
 * What fdt_overlay_apply() would follow without a look. One row per place: node
 * and property of the overlay, its bytes (with their NUL), whether it is good.
 */
static void an_overlay_writes_only_where_it_may(void **state)
{
	static const struct {
		const char *node, *prop, *value;
		size_t len;
		bool good;
	} rows[] = {
#define VALUE(s) s, sizeof(s)
		{ "/__fixups__", "mc", VALUE("/fragment@1:target:0"), true },
		{ "/__fixups__", "mc", VALUE("/fragment@1:target:0\0/fragment@0:target-path:0"),
		  false }, /* two bytes long */
		{ "/__fixups__", "mc", VALUE("/fragment@1:target:0\0"), false },
		{ "/__fixups__", "mc", "/fragment@1:target:0", 20, false }, /* no NUL */
		{ "/__fixups__", "mc", VALUE("/fragment@1:target:1"), false },
		{ "/__fixups__", "mc", VALUE("/fragment@1:target:4"), false },
		{ "/__fixups__", "mc", VALUE("/fragment@1:target:-1"), false },
		{ "/__fixups__", "mc", VALUE("/fragment@1:target:4294967294"), false },
		{ "/__fixups__", "mc", VALUE("/fragment@1:target:"), false },
		{ "/__fixups__", "mc", VALUE("/fragment@1:target"), false },
		{ "/__fixups__", "mc", VALUE("/fragment@1"), false },
		{ "/__fixups__", "mc", VALUE(""), false },
		{ "/__fixups__", "mc", VALUE("/fragment@1:other:0"), false },
		{ "/__fixups__", "mc", VALUE("/fragment@2:target:0"), false },
		{ "/__fixups__", "mc", VALUE("fragment@1:target:0"), false },
		{ "/__fixups__", "mc", VALUE("/__fixups__:mc:0\0/fragment@1:target:0"), false },
		{ "/__fixups__", "mc", VALUE("/__local_fixups__/fragment@1/__overlay__:added:0"),
		  false },
		{ "/__local_fixups__/fragment@1/__overlay__", "added", "\0\0\0\0", 4, true },
		{ "/__local_fixups__/fragment@1/__overlay__", "added", "\0\0\0\1", 4, false },
		{ "/__local_fixups__/fragment@1/__overlay__", "added", "\0\0\0\4", 4, false },
		{ "/__local_fixups__/fragment@1/__overlay__", "added", "\377\377\377\376", 4,
		  false },
		{ "/__local_fixups__/fragment@1/__overlay__", "other", "\0\0\0\0", 4, false },
		{ "/__local_fixups__/fragment@1/__overlay__", "phandle", "\0\0\0\0", 4, false },
		{ "/__local_fixups__/fragment@1", "target", "\0\0\0\0", 4, true },
		{ "/fragment@0", "target-path", VALUE("/chosen"), true },
		{ "/fragment@0", "target-path", "/chosen", 7, false },
		{ "/fragment@0", "target-path", VALUE("alias"), false },
		{ "/fragment@0", "target-path", "", 0, false },
#undef VALUE
	};
	struct fixture *f = *state;

	make_base(f, 2, 2);
	expect_done(f, adopt(f));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int node, r;

		make_overlay(f, "mc");
		assert_int_equal(fdt_open_into(f->file, f->file, ROOM), 0);
		node = fdt_path_offset(f->file, rows[i].node);
		assert_int_equal(
			fdt_setprop(f->file, node, rows[i].prop, rows[i].value, (int)rows[i].len),
			0);
		r = overlay(f);
		if (rows[i].good ? r != 0 : r != -EINVAL || f->lines != 1)
			fail_msg("row %zu: %d %s", i, r, f->said.text);
	}
}

/* libfdt would add the tree's largest phandle to such an entry, and then use it as an offset. */
static void a_phandle_is_no_local_fixup(void **state)
{
	struct fixture *f = *state;
	int node;

	make_base(f, 2, 2);
	expect_done(f, adopt(f));
	node = fdt_path_offset(f->buf, "/memory-controller@1000");
	assert_int_equal(fdt_setprop_inplace_u32(f->buf, node, "phandle", 0x70000000), 0);
	make_overlay(f, "mc");
	assert_int_equal(fdt_open_into(f->file, f->file, ROOM), 0);
	node = fdt_path_offset(f->file, "/__local_fixups__");
	node = fdt_add_subnode(f->file, node, "fragment@0");
	node = fdt_add_subnode(f->file, node, "__overlay__");
	node = fdt_add_subnode(f->file, node, "added");
	assert_int_equal(fdt_setprop_u32(f->file, node, "phandle", 0), 0);
	expect_refused(f, overlay(f), -EINVAL, "contradicts itself");
}

static void labels_of_a_tree_must_be_paths(void **state)
{
	static const struct {
		const char *value;
		int len;
	} rows[] = { { "mc", 3 }, { "/memory-controller@1000", 23 }, { "", 0 }, { "", 1 } };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int node;

		make_base(f, 2, 2);
		assert_int_equal(fdt_open_into(f->file, f->file, ROOM), 0);
		node = fdt_path_offset(f->file, "/__symbols__");
		assert_int_equal(fdt_setprop(f->file, node, "mc", rows[i].value, rows[i].len), 0);
		expect_done(f, adopt(f));
		make_overlay(f, "mc");
		expect_refused(f, overlay(f), -EINVAL, "not all paths");
	}
}

static void a_damaged_overlay_is_taken_or_refused(void **state)
{
	struct fixture *f = *state;
	void *base = malloc(ROOM);
	u64 seed = 2;

	make_base(f, 2, 2);
	expect_done(f, adopt(f));
	memcpy(base, f->buf, ROOM);
	for (u32 round = 0; round < 5000; round++) {
		size_t len;
		int r;

		memcpy(f->buf, base, ROOM);
		make_overlay(f, "mc");
		len = fdt_totalsize(f->file);
		damage(f->file, len, &seed);
		r = overlay_bytes(f, len, ROOM);
		if (r < 0) {
			expect_refused(f, r, r, "overlay");
			assert_memory_equal(f->buf, base, ROOM);
		} else {
			expect_done(f, r);
		}
	}
	free(base);
}

static void a_file_may_end_anywhere(void **state)
{
	struct fixture *f = *state;
	size_t full;

	make_base(f, 2, 2);
	expect_done(f, adopt(f));
	make_overlay(f, "mc");
	full = fdt_totalsize(f->file);
	for (size_t len = 0; len < full; len++)
		expect_refused(f, overlay_bytes(f, len, ROOM), -EINVAL, "is truncated");
	expect_done(f, overlay(f));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_overlay_reaches_nodes_by_path_and_label),
		T(an_overlay_that_does_not_fit_changes_nothing),
		T(an_overlay_writes_only_where_it_may),
		T(a_phandle_is_no_local_fixup),
		T(labels_of_a_tree_must_be_paths),
		T(a_damaged_overlay_is_taken_or_refused),
		T(a_file_may_end_anywhere),
	};

	return cmocka_run_group_tests_name("fdt_overlay", tests, NULL, NULL);
}
