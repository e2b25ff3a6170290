/* SPDX-License-Identifier: MIT */
#include "tests/unit/image_files.h"

#include <errno.h>

static void an_image_goes_to_its_text_offset(void **state)
{
	struct fixture *f = *state;

	make_image(f, 3 * MIB + 5, 0, 8 * MIB);
	expect_loaded(f, load(f));
	assert_int_equal(f->img.kernel, RAM);
	assert_int_equal(f->img.entry, RAM);
	assert_int_equal(f->img.kernel_end, RAM + 8 * MIB);
	expect_in_ram(f, RAM, f->file, f->len);
	assert_int_equal(f->ram.host[f->len], 0);
}

/* One row per boundary of the header; RAM is 64 MiB. */
static void the_image_header_is_believed_within_ram_only(void **state)
{
	static const struct {
		u64 text_offset, size;
		size_t len;
		gpa_t kernel, end; /* offsets into RAM */
		const char *why; /* NULL: loads */
	} rows[] = {
		{ 0, 0x1000, 64, 0, 0x1000, NULL },
		{ 0x80000, 0x1000, 64, 0x80000, 0x81000, NULL },
		{ 0x200000, 0x1000, 64, 0x200000, 0x201000, NULL },
		{ 0, 1, 5000, 0, 5000, NULL }, /* what the file has counts as well */
		{ 0x12345678, 0, 5000, 0x80000, 0x80000 + 5000, NULL }, /* before 3.17 */
		{ 0, 62 * MIB, 64, 0, 62 * MIB, NULL },
		{ 0, 62 * MIB + 1, 64, 0, 0, "do not fit into 64 MiB" },
		{ 0, 64 * MIB, 64, 0, 0, "do not fit into 64 MiB" },
		{ 0, 64 * MIB + 1, 64, 0, 0, "does not fit into 64 MiB" },
		{ 0, ~0ull, 64, 0, 0, "does not fit into 64 MiB" },
		{ 0x1000, ~0ull, 64, 0, 0, "does not fit into 64 MiB" },
		{ 0x1000, ~0ull - 0xfff, 64, 0, 0, "does not fit into 64 MiB" },
		{ 0xfff, 0x1000, 64, 0, 0, "not a multiple of 4 KiB" },
		{ 1, 0x1000, 64, 0, 0, "not a multiple of 4 KiB" },
		{ 64 * MIB - 0x1000, 0x1000, 64, 64 * MIB - 0x1000, 64 * MIB, NULL },
		{ 64 * MIB - 0x1000, 0x1001, 64, 0, 0, "does not fit into 64 MiB" },
		{ 64 * MIB - 0x1000, 1, 0x1001, 0, 0, "does not fit into 64 MiB" },
		{ 64 * MIB, 1, 64, 0, 0, "does not fit into 64 MiB" },
		{ ~0ull - 0xfff, 0x1000, 64, 0, 0, "does not fit into 64 MiB" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int err;

		make_image(f, rows[i].len, rows[i].text_offset, rows[i].size);
		err = load(f);
		if (rows[i].why) {
			expect_refused(f, err, rows[i].why);
			continue;
		}
		expect_loaded(f, err);
		if (f->img.kernel != RAM + rows[i].kernel || f->img.entry != f->img.kernel ||
		    f->img.kernel_end != RAM + rows[i].end)
			fail_msg("row %zu: %#llx..%#llx", i, f->img.kernel, f->img.kernel_end);
		expect_in_ram(f, f->img.kernel, f->file, f->len);
	}
}

static void no_flag_of_the_header_is_a_reason_to_refuse(void **state)
{
	struct fixture *f = *state;

	for (u32 bit = 0; bit < 64; bit++) {
		make_image(f, 100, 0, 4096);
		put64(f->file + 24, 1ull << bit);
		expect_loaded(f, load(f));
	}
}

/* A PE header with two sections at PE; RAW_AT and RAW_SIZE are the second one's. */
enum { PE = 0x40, PE_TABLE = PE + 24 + 0xa0, PE_LAST = PE_TABLE + 40 };

static void make_efi_image(struct fixture *f, size_t len, u32 raw_at, u32 raw_size)
{
	make_image(f, len, 0, 0x10000);
	memcpy(f->file, "MZ", 2);
	put32(f->file + 60, PE);
	memset(f->file + PE, 0, PE_LAST + 40 - PE);
	memcpy(f->file + PE, "PE", 2);
	put16(f->file + PE + 6, 2);
	put16(f->file + PE + 20, 0xa0);
	put32(f->file + PE_TABLE + 16, 0x200);
	put32(f->file + PE_TABLE + 20, 0x200);
	put32(f->file + PE_LAST + 16, raw_size);
	put32(f->file + PE_LAST + 20, raw_at);
}

static void an_image_with_an_efi_stub_must_be_whole(void **state)
{
	static const struct {
		u32 raw_at, raw_size;
		size_t len;
		bool whole;
	} rows[] = {
		{ 0x400, 0x600, 0xa00, true },
		{ 0x400, 0x600, 0xb00, true }, /* a signature behind it */
		{ 0x400, 0x600, 0x9ff, false },
		{ 0x400, 0x600, PE_LAST + 40, false },
		{ 0x400, 0x600, PE_LAST + 39, false },
		{ 0x400, 0x600, PE + 24, false },
		{ 0x400, 0x600, PE + 23, false },
		{ 0x400, 0x600, IMAGE_HEAD, false },
		{ 0xffffffff, 0, 0xa00, true }, /* a bss has no place in the file */
		{ 0xffffffff, 1, 0xa00, false },
		{ 0xffffffff, 0xffffffff, 0xa00, false },
		{ 0, 0, 0x400, true },
		{ 0, 0, 0x3ff, false }, /* the first section's end counts as well */
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int err;

		make_efi_image(f, 0x1000, rows[i].raw_at, rows[i].raw_size);
		f->len = rows[i].len;
		err = load(f);
		if (rows[i].whole)
			expect_loaded(f, err);
		else
			expect_refused(f, err, "ends before what its PE header points at");
	}
	make_efi_image(f, 0x900, 0x400, 0x600);
	pack_file(f, GZIP);
	expect_refused(f, load(f), "ends before what its PE header points at");
}

/* Whatever is in the headers, nothing outside of the file is looked at. */
static void a_pe_header_that_lies_is_harmless(void **state)
{
	static const struct {
		size_t at;
		u32 value;
		const char *why; /* NULL: loads */
	} rows[] = {
		{ 60, 0xffffffff, "its PE header" },
		{ 60, 0x1000 - 23, "its PE header" },
		{ 60, 0x1000 - 24, NULL }, /* no signature there */
		{ PE, 0x4550 | 1 << 24, NULL },
		{ 0, 0x14000000, NULL }, /* a branch, not MZ: offset 60 has another meaning */
		{ PE + 6, 0xffff, "its PE header" },
		{ PE + 20, 0xffff, "its PE header" },
		{ PE + 6, 0, NULL },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int err;

		make_efi_image(f, 0x1000, 0x400, 0x600);
		put32(f->file + rows[i].at, rows[i].value);
		err = load(f);
		if (rows[i].why)
			expect_refused(f, err, rows[i].why);
		else
			expect_loaded(f, err);
	}
}

static void what_is_nothing_known_is_flat(void **state)
{
	static const size_t lens[] = { 1, 63, 64, 65, 4096, 65535, 65536, 65537, 3 * 1024 * 1024 };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		make_flat(f, lens[i]);
		expect_loaded(f, load(f));
		assert_int_equal(f->img.entry, RAM + 0x80000);
		assert_int_equal(f->img.kernel, RAM + 0x80000);
		assert_int_equal(f->img.kernel_end, RAM + 0x80000 + lens[i]);
		expect_in_ram(f, RAM + 0x80000, f->file, f->len);
	}
}

static void a_flat_binary_must_leave_room_for_the_tree(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set_ram(f, 4 * MIB), 0);
	make_flat(f, 2 * MIB - 0x80000);
	expect_loaded(f, load(f));
	assert_int_equal(f->img.dtb, RAM + 2 * MIB);

	make_flat(f, 2 * MIB - 0x80000 + 1);
	expect_loaded(f, load(f)); /* under it, in the 512 KiB that nobody uses */
	assert_int_equal(f->img.dtb, RAM);
	assert_int_equal(f->img.dtb_room, 0x80000);

	make_flat(f, 4 * MIB - 0x80000);
	expect_loaded(f, load(f));
	f->len = FILE_MAX;
	expect_refused(f, load(f), "does not fit into 4 MiB");
}

static void a_kernel_may_come_through_a_pipe(void **state)
{
	static const int packings[] = { -1, GZIP, ZSTD };
	struct fixture *f = *state;
	struct elf e = elf_at(ET_EXEC, RAM, RAM);
	u8 plain[40000];
	int fd, err;

	for (size_t i = 0; i < ARRAY_SIZE(packings); i++) {
		make_image(f, sizeof(plain), 0, 0x10000);
		memcpy(plain, f->file, sizeof(plain));
		if (packings[i] >= 0)
			pack_file(f, (enum packing)packings[i]);
		fd = pipe_of(f->file, f->len);
		err = load_fds(f, fd, -1);
		(void)close(fd);
		expect_loaded(f, err);
		expect_in_ram(f, RAM, plain, sizeof(plain));
	}

	make_elf(f, &e);
	fd = pipe_of(f->file, f->len);
	err = load_fds(f, fd, -1);
	(void)close(fd);
	expect_refused(f, err, "comes through a pipe");
}

static void what_cannot_be_read_gets_one_line(void **state)
{
	static const struct {
		const char *kernel, *initrd;
		int err;
		const char *line;
	} rows[] = {
		{ "/no/kernel", NULL, -ENOENT, "  Fatal: Unable to open kernel /no/kernel\n" },
		{ "", NULL, -ENOENT, "  Fatal: Unable to open kernel \n" },
		{ "/dev", NULL, -EISDIR, "  Fatal: kernel '/dev' is a directory\n" },
		{ "/dev/null", NULL, -EINVAL, "  Fatal: kernel '/dev/null' holds nothing\n" },
		{ "/dev/zero", NULL, -EFBIG,
		  "  Fatal: kernel '/dev/zero' does not fit into 64 MiB of RAM: a larger -m is "
		  "needed\n" },
		{ "/proc/self/mem", NULL, -EIO,
		  "  Fatal: read kernel '/proc/self/mem': Input/output error\n" },
		{ NULL, "/no/initrd", -ENOENT,
		  "  Fatal: open initrd '/no/initrd': No such file or directory\n" },
		{ NULL, "/dev", -EISDIR, "  Fatal: initrd '/dev' is a directory\n" },
		{ NULL, "/dev/null", -EINVAL, "  Fatal: initrd '/dev/null' is empty\n" },
		{ NULL, "/dev/zero", -EFBIG, "initrd (65020 KiB)" },
	};
	struct fixture *f = *state;
	char path[64];
	int fd, err;

	make_flat(f, 1000);
	fd = file_of(f->file, f->len);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *kernel = rows[i].kernel;

		err = load_paths(f, kernel ? kernel : path_of(fd, path, sizeof(path)),
		                 rows[i].initrd);
		expect_refused(f, err, rows[i].line);
		if (err != rows[i].err)
			fail_msg("row %zu: %d", i, err);
	}
	(void)close(fd);
	f->len = 0;
	expect_refused(f, load(f), "holds nothing");
}

/* One row per arrangement: RAM, what the kernel takes, initrd; where things are, from RAM on. */
static void tree_and_initrd_go_to_the_top_of_the_window(void **state)
{
	static const struct {
		u64 ram, kernel, initrd; /* bytes */
		u64 dtb, at; /* 0: refused */
	} rows[] = {
		{ 256 * MIB, 8 * MIB, 0, 254 * MIB, 0 },
		{ 256 * MIB, 8 * MIB, 1, 254 * MIB, 254 * MIB - 0x1000 },
		{ 256 * MIB, 8 * MIB, 0x1000, 254 * MIB, 254 * MIB - 0x1000 },
		{ 256 * MIB, 8 * MIB, 0x1001, 254 * MIB, 254 * MIB - 0x2000 },
		{ 512 * MIB, 8 * MIB, 5000, 254 * MIB, 254 * MIB - 0x2000 },
		{ 1024 * MIB, 8 * MIB, 5000, 254 * MIB, 254 * MIB - 0x2000 },
		{ 4 * MIB, 1 * MIB, 5000, 2 * MIB, 2 * MIB - 0x2000 },
		/* To the last byte, and then one more */
		{ 16 * MIB, 14 * MIB - 0x2000, 0x2000, 14 * MIB, 14 * MIB - 0x2000 },
		{ 16 * MIB, 14 * MIB - 0x1fff, 0x2000, 0, 0 },
		{ 16 * MIB, 14 * MIB - 0x2000, 0x2001, 0, 0 },
		{ 16 * MIB, 14 * MIB, 0, 14 * MIB, 0 },
		{ 16 * MIB, 14 * MIB + 1, 0, 0, 0 },
		{ 16 * MIB, 16 * MIB, 0, 0, 0 },
		{ 2 * MIB, 1 * MIB, 0, 0, 0 },
		/* A kernel that fills the window */
		{ 512 * MIB, 254 * MIB, 0, 254 * MIB, 0 },
		{ 512 * MIB, 254 * MIB, 1, 510 * MIB, 510 * MIB - 0x1000 },
		{ 512 * MIB, 300 * MIB, 5000, 510 * MIB, 510 * MIB - 0x2000 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u8 data[0x3000];
		int fd = -1, err;

		assert_int_equal(set_ram(f, rows[i].ram), 0);
		make_image(f, 100, 0, rows[i].kernel);
		memset(data, 0x5a, sizeof(data));
		if (rows[i].initrd)
			fd = file_of(data, rows[i].initrd);
		err = load_with(f, fd);
		if (fd >= 0)
			(void)close(fd);
		if (rows[i].dtb == 0) {
			expect_refused(f, err, "M is needed");
			continue;
		}
		expect_loaded(f, err);
		if (f->img.dtb != RAM + rows[i].dtb || f->img.dtb_room != 2 * MIB ||
		    f->img.initrd != (rows[i].at ? RAM + rows[i].at : 0) ||
		    f->img.initrd_end - f->img.initrd != rows[i].initrd)
			fail_msg("row %zu: tree %#llx, initrd %#llx", i, f->img.dtb, f->img.initrd);
		expect_in_ram(f, f->img.initrd_end ? f->img.initrd : RAM + 100, data,
		              rows[i].initrd);
	}
}

/* What the message asks for is enough. */
static void the_memory_that_a_refusal_asks_for_is_enough(void **state)
{
	static const u64 kernels[] = { 62 * MIB + 1, 64 * MIB - 1, 64 * MIB };
	struct fixture *f = *state;
	u8 data[5000] = { 1 };
	int fd = file_of(data, sizeof(data));

	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++) {
		const char *m;

		assert_int_equal(set_ram(f, 64 * MIB), 0);
		make_image(f, 100, 0, kernels[i]);
		expect_refused(f, load_with(f, fd), "M is needed");
		m = strstr(f->said.text, "-m ");
		assert_non_null(m);
		assert_int_equal(set_ram(f, strtoull(m + 3, NULL, 10) * MIB), 0);
		expect_loaded(f, load_with(f, fd));
	}
	(void)close(fd);
}

static void an_initrd_may_come_through_a_pipe(void **state)
{
	struct fixture *f = *state;
	u8 data[60000];
	int fd, err;

	make_flat(f, sizeof(data));
	memcpy(data, f->file, sizeof(data));
	make_image(f, 100, 0, 0x1234);
	fd = pipe_of(data, sizeof(data));
	err = load_with(f, fd);
	(void)close(fd);
	expect_loaded(f, err);
	assert_int_equal(f->img.initrd, RAM + align_down(62 * MIB - sizeof(data), 4096));
	assert_int_equal(f->img.initrd_end - f->img.initrd, sizeof(data));
	expect_in_ram(f, f->img.initrd, data, sizeof(data));

	/* One page left for it. */
	assert_int_equal(set_ram(f, 4 * MIB), 0);
	make_image(f, 100, 0, 4 * MIB - 0x1000);
	fd = pipe_of(data, sizeof(data));
	err = load_with(f, fd);
	(void)close(fd);
	expect_refused(f, err, "do not fit into 4 MiB");
}

/* Each format at its smallest. */
static void make_sample(struct fixture *f, u32 which)
{
	struct elf e = elf_at(ET_EXEC, RAM, RAM);

	switch (which) {
	case 0:
		make_image(f, 200, 0x80000, 0x1000);
		break;
	case 1:
		make_elf(f, &e);
		break;
	case 2:
		e = elf_at(ET_DYN, 0xffff800080000000, 0xffff800080000000);
		make_elf(f, &e);
		break;
	default:
		make_image(f, 200, 0x80000, 0x1000);
		pack_file(f, which - 3);
		break;
	}
}

enum { NR_SAMPLES = 3 + NR_PACKINGS };

static void expect_one_or_the_other(struct fixture *f, int err)
{
	if (err < 0)
		expect_refused(f, err, "");
	else
		expect_loaded(f, err);
}

/* Below four bytes nothing is known; between that and the whole only an Image can do without. */
static void a_file_may_end_anywhere(void **state)
{
	struct fixture *f = *state;

	for (u32 which = 0; which < NR_SAMPLES; which++) {
		size_t full, step;

		make_sample(f, which);
		full = f->len;
		step = full > 10000 ? 997 : full > 1000 ? 41 : 1;
		for (f->len = 0; f->len < full; f->len += f->len < 300 ? 1 : step) {
			int err = load(f);
			bool junk = which == 3 + GZIP_JUNK || which == 3 + ZSTD_JUNK ||
			            which == 3 + GZIP_MEMBERS || which == 3 + ZSTD_FRAMES;

			expect_one_or_the_other(f, err);
			if (which > 0 && !junk && f->len >= 8 && f->len + 4 < full && err == 0)
				fail_msg("sample %u of %zu bytes loads with %zu", which, full,
				         f->len);
		}
		expect_loaded(f, load(f));
	}
}

static u32 next_random(u64 *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(*seed >> 33);
}

/* Bytes of any value anywhere; half of them in the header, where they hurt. */
static void a_file_may_hold_anything(void **state)
{
	struct fixture *f = *state;
	u64 seed = 1;

	for (u32 round = 0; round < 4000; round++) {
		make_sample(f, round % NR_SAMPLES);
		for (u32 n = 1 + next_random(&seed) % 4; n > 0; n--) {
			size_t within = next_random(&seed) % 2 && f->len > 180 ? 180 : f->len;
			u8 odd[] = { 0, 1, 0x7f, 0x80, 0xff, (u8)next_random(&seed) };

			f->file[next_random(&seed) % within] =
				odd[next_random(&seed) % ARRAY_SIZE(odd)];
		}
		expect_one_or_the_other(f, load(f));
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_image_goes_to_its_text_offset),
		T(the_image_header_is_believed_within_ram_only),
		T(no_flag_of_the_header_is_a_reason_to_refuse),
		T(an_image_with_an_efi_stub_must_be_whole),
		T(a_pe_header_that_lies_is_harmless),
		T(what_is_nothing_known_is_flat),
		T(a_flat_binary_must_leave_room_for_the_tree),
		T(a_kernel_may_come_through_a_pipe),
		T(what_cannot_be_read_gets_one_line),
		T(tree_and_initrd_go_to_the_top_of_the_window),
		T(the_memory_that_a_refusal_asks_for_is_enough),
		T(an_initrd_may_come_through_a_pipe),
		T(a_file_may_end_anywhere),
		T(a_file_may_hold_anything),
	};

	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
