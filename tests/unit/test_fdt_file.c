/* SPDX-License-Identifier: MIT */
#include "tests/unit/fdt_files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

static void a_given_tree_keeps_all_but_memory_and_chosen(void **state)
{
	struct fixture *f = *state;
	int r;

	make_base(f, 2, 2);
	r = adopt(f);
	expect_done(f, r);
	assert_int_equal(r, fdt_totalsize(f->buf));
	expect_text(f->buf, "/", "model", "theirs");
	assert_true(fdt_path_offset(f->buf, "/memory-controller@1000") > 0);
	assert_int_equal(fdt_path_offset(f->buf, "/ram@40000000"), -FDT_ERR_NOTFOUND);
	expect_text(f->buf, "/memory@80000000", "device_type", "memory");
	expect_cells(f->buf, "/memory@80000000", "reg", "0 80000000 0 40000000");
	expect_text(f->buf, "/chosen", "bootargs", "quiet");
	expect_text(f->buf, "/chosen", "stdout-path", "/uart");
	expect_cells(f->buf, "/chosen", "linux,initrd-start", "0 88000000");
	expect_cells(f->buf, "/chosen", "linux,initrd-end", "0 88001234");
	expect_cells(f->buf, "/chosen", "kaslr-seed", "11223344 55667788");
	assert_memory_equal(
		fdt_getprop(f->buf, fdt_path_offset(f->buf, "/chosen"), "rng-seed", NULL),
		f->boot.rng_seed, sizeof(f->boot.rng_seed));

	f->boot = (struct fdt_boot){
		.ram_base = 0x80000000, .ram_size = 1, .bootargs = "", .stdout_path = "/our"
	};
	expect_done(f, adopt(f));
	expect_text(f->buf, "/chosen", "bootargs", "theirs");
	expect_text(f->buf, "/chosen", "stdout-path", "/our");
	expect_cells(f->buf, "/chosen", "linux,initrd-start", "-");
	expect_cells(f->buf, "/chosen", "linux,initrd-end", "-");
	expect_cells(f->buf, "/chosen", "kaslr-seed", "-");
}

static void a_tree_without_memory_and_chosen_gets_them(void **state)
{
	struct fixture *f = *state;
	struct dt d;

	dt_start(&d, f->file, ROOM);
	assert_true(dt_end(&d) > 0);
	expect_done(f, adopt(f));
	expect_cells(f->buf, "/memory@80000000", "reg", "0 80000000 40000000");
	expect_text(f->buf, "/chosen", "bootargs", "quiet");
}

/* One row per pair of cells that a root may have. */
static void memory_is_in_the_trees_own_cells(void **state)
{
	static const struct {
		u32 address_cells, size_cells;
		u64 base, size;
		const char *path, *reg; /* NULL: refused */
	} rows[] = {
		{ 0, 0, 0x80000000, 0x1000, "/memory@80000000", "0 80000000 1000" },
		{ 1, 1, 0x80000000, 0x1000, "/memory@80000000", "80000000 1000" },
		{ 1, 2, 0x80000000, 0x1000, "/memory@80000000", "80000000 0 1000" },
		{ 2, 1, 0x80000000, 0xffffffff, "/memory@80000000", "0 80000000 ffffffff" },
		{ 2, 2, 0x180000000, 0x123456789, "/memory@180000000", "1 80000000 1 23456789" },
		{ 2, 1, 0x80000000, 0x100000000, NULL, NULL },
		{ 1, 2, 0x100000000, 0x1000, NULL, NULL },
		{ 3, 2, 0x80000000, 0x1000, NULL, NULL },
		{ 2, 3, 0x80000000, 0x1000, NULL, NULL },
		{ 5, 2, 0x80000000, 0x1000, NULL, NULL },
		{ 0xffffffff, 2, 0x80000000, 0x1000, NULL, NULL },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r;

		make_base(f, rows[i].address_cells, rows[i].size_cells);
		f->boot.ram_base = rows[i].base;
		f->boot.ram_size = rows[i].size;
		r = adopt(f);
		if (rows[i].reg) {
			expect_done(f, r);
			expect_cells(f->buf, rows[i].path, "reg", rows[i].reg);
		} else {
			expect_refused(f, r, -EINVAL, "cannot describe RAM");
		}
	}
}

static void a_bad_file_gets_one_line(void **state)
{
	static const struct {
		const char *path;
		int err;
		const char *line;
	} rows[] = {
		{ "/no/dtb", -ENOENT, "open device tree '/no/dtb': No such file or directory" },
		{ "/dev", -EISDIR, "read device tree '/dev': Is a directory" },
		{ "/dev/null", -EINVAL, "device tree '/dev/null' is truncated" },
		{ "/dev/zero", -EFBIG, "device tree '/dev/zero' is larger than 2 MiB" },
	};
	struct fixture *f = *state;
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r;

		caught_begin(&f->said);
		r = fdt_adopt(rows[i].path, &f->boot, f->buf, ROOM);
		f->lines = caught_end(&f->said);
		expect_refused(f, r, rows[i].err, rows[i].line);
	}

	memset(f->file, 'x', 100);
	expect_refused(f, adopt_bytes(f, 100, ROOM), -EINVAL, "is not a compiled device tree");
	make_base(f, 2, 2);
	len = fdt_totalsize(f->file);
	expect_refused(f, adopt_bytes(f, len, 64), -ENOSPC, "does not fit");
	expect_refused(f, adopt_bytes(f, len, len), -ENOSPC, "does not fit");
	fdt_set_version(f->file, 15);
	fdt_set_last_comp_version(f->file, 15);
	expect_refused(f, adopt(f), -EINVAL, "version 15");
	make_deep(f, 32);
	expect_done(f, adopt(f));
	make_deep(f, 33);
	expect_refused(f, adopt(f), -EINVAL, "nests deeper than 32 nodes");
}

static void a_tree_is_dumped_whole_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	char dir[] = P_tmpdir "/roost-test-XXXXXX", path[64], *back = calloc(1, ROOM);
	struct rlimit full, small;
	size_t len;
	int fd, r;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/dtb", dir);
	make_base(f, 2, 2);
	len = fdt_totalsize(f->file);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(fdt_dump(f->file, path), 0);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_int_equal(read(fd, back, ROOM), len);
		assert_memory_equal(back, f->file, len);
		(void)close(fd);
	}
	assert_int_equal(unlink(path), 0);
	free(back);

	/* The disk is full after the first few hundred bytes. */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &full), 0);
	small = (struct rlimit){ .rlim_cur = 400, .rlim_max = full.rlim_max };
	assert_true(len > small.rlim_cur);
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	caught_begin(&f->said);
	r = fdt_dump(f->file, path);
	f->lines = caught_end(&f->said);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	expect_refused(f, r, -EFBIG, path);
	assert_int_equal(access(path, F_OK), -1);

	(void)snprintf(path, sizeof(path), "%s/no/dtb", dir);
	caught_begin(&f->said);
	r = fdt_dump(f->file, path);
	f->lines = caught_end(&f->said);
	expect_refused(f, r, -ENOENT, path);
	caught_begin(&f->said);
	r = fdt_dump(f->file, "/dev/full");
	f->lines = caught_end(&f->said);
	expect_refused(f, r, -ENOSPC, "/dev/full");
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(access("/dev/full", F_OK), 0);
}

static void a_damaged_tree_is_taken_or_refused(void **state)
{
	struct fixture *f = *state;
	u64 seed = 1;

	for (u32 round = 0; round < 5000; round++) {
		size_t len;
		int r;

		make_base(f, 2, 2);
		len = fdt_totalsize(f->file);
		damage(f->file, len, &seed);
		r = adopt_bytes(f, len, ROOM);
		if (r < 0)
			expect_refused(f, r, r, "device tree");
		else
			expect_done(f, r);
	}
}

static void a_file_may_end_anywhere(void **state)
{
	struct fixture *f = *state;
	size_t full;

	make_base(f, 2, 2);
	full = fdt_totalsize(f->file);
	for (size_t len = 0; len < full; len++)
		expect_refused(f, adopt_bytes(f, len, ROOM), -EINVAL, "is truncated");
	expect_done(f, adopt(f));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_given_tree_keeps_all_but_memory_and_chosen),
		T(a_tree_without_memory_and_chosen_gets_them),
		T(memory_is_in_the_trees_own_cells),
		T(a_bad_file_gets_one_line),
		T(a_tree_is_dumped_whole_or_not_at_all),
		T(a_damaged_tree_is_taken_or_refused),
		T(a_file_may_end_anywhere),
	};

	return cmocka_run_group_tests_name("fdt_file", tests, NULL, NULL);
}
