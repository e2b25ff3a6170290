/* SPDX-License-Identifier: MIT */
#include "tests/unit/image_files.h"

static void packed_things_that_are_no_image_are_named(void **state)
{
	static const struct {
		const char *head;
		size_t len;
		const char *why;
	} rows[] = {
		{ "\xfd\x37zXZ\0", 6, "is xz-compressed" },
		{ "BZh9", 4, "is bzip2-compressed" },
		{ "\x04\x22\x4d\x18", 4, "is lz4-compressed" },
		{ "\x02\x21\x4c\x18", 4, "is lz4-compressed" },
		{ "\x89LZO\0\r\n\x1a\n", 9, "is lzo-compressed" },
		{ "\x5d\0\0\x80\0\xff", 6, "is lzma-compressed" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		make_flat(f, 1000);
		memcpy(f->file, rows[i].head, rows[i].len);
		expect_refused(f, load(f), rows[i].why);
		pack_file(f, GZIP);
		expect_refused(f, load(f), "is compressed, and in it is no Image");
	}
	make_image(f, 1000, 0, 0x1000);
	pack_file(f, GZIP);
	pack_file(f, ZSTD);
	expect_refused(f, load(f), "no Image but gzip-compressed");
}

static void a_zboot_header_is_checked_field_by_field(void **state)
{
	static const struct {
		const char *type;
		u32 offset, size;
		const char *why;
	} rows[] = {
		{ "gzip", 0xffffffff, 100, "ends before what its header points at" },
		{ "gzip", 200 * 1024 * 1024, 100, "ends before what its header points at" },
		{ "gzip", 100 * 1024, 0, "ends in the middle of its compressed data" },
		{ "gzip", 100 * 1024, 30, "ends in the middle of its compressed data" },
		{ "gzip", 100 * 1024 + 1, 1000, "is damaged" },
		{ "gzip", 0, 1000, "is damaged" },
		{ "zstd", 100 * 1024, 1000, "is damaged" },
		{ "lz4", 100 * 1024, 1000, "lz4-compressed" },
		{ "lzma", 100 * 1024, 1000, "lzma-compressed" },
		{ "lzo", 100 * 1024, 1000, "lzo-compressed" },
		{ "xzkern", 100 * 1024, 1000, "xz-compressed" },
		{ "", 100 * 1024, 1000, "compression that is not known" },
		{ "gzip2", 100 * 1024, 1000, "compression that is not known" },
		{ "0123456789012345678901234567890", 100 * 1024, 1000, "that is not known" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		make_image(f, 1000, 0, 0x1000);
		pack_file(f, ZBOOT_GZIP);
		put32(f->file + 8, rows[i].offset);
		put32(f->file + 12, rows[i].size);
		(void)snprintf((char *)f->file + 24, 32, "%s", rows[i].type);
		expect_refused(f, load(f), rows[i].why);
	}
	/* Not terminated within its room. */
	memset(f->file + 24, 'z', 32);
	expect_refused(f, load(f), "compression that is not known");
}

/* Where a program for this address goes. */
static void an_elf_file_goes_where_it_says_or_moves_as_a_whole(void **state)
{
	static const struct {
		u16 type;
		u64 vaddr, paddr;
		gpa_t kernel; /* 0: refused */
		const char *why;
	} rows[] = {
		{ ET_EXEC, RAM, RAM, RAM, NULL },
		{ ET_EXEC, RAM + 0x123450, RAM + 0x123450, RAM + 0x123450, NULL },
		{ ET_EXEC, 0xffff000000000000, RAM + 0x80000, RAM + 0x80000, NULL },
		{ ET_EXEC, 0, RAM + 0x200000, RAM + 0x200000, NULL },
		{ ET_DYN, RAM + 0x300000, RAM + 0x300000, RAM + 0x300000, NULL },
		/* Linux, now and before 5.8; linked for addresses that no RAM has */
		{ ET_DYN, 0xffff800080000000, 0xffff800080000000, RAM, NULL },
		{ ET_DYN, 0xffff800010080000, 0xffff800010080000, RAM + 0x80000, NULL },
		{ ET_EXEC, 0xffffffc008000000, 0xffffffc008000000, RAM, NULL },
		{ ET_DYN, 0, 0, RAM, NULL },
		{ ET_DYN, 0x10000, 0x10000, RAM + 0x10000, NULL },
		{ ET_DYN, 0x10000000000, 0x10000000000, RAM, NULL },
		/* Its last byte is RAM's last, and one further */
		{ ET_EXEC, 0, RAM + 64 * MIB - 0x15000, RAM + 64 * MIB - 0x15000, NULL },
		{ ET_EXEC, 0, RAM + 64 * MIB - 0x14fff, 0, "outside of RAM" },
		{ ET_EXEC, 0, RAM - 1, 0, "outside of RAM" },
		{ ET_EXEC, 0x1000, 0x1000, 0, "outside of RAM" },
		{ ET_EXEC, 0x400000, 0x7fffffffffff0000, 0, "outside of RAM" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct elf e = elf_at(rows[i].type, rows[i].vaddr, rows[i].paddr);
		int err;

		make_elf(f, &e);
		err = load(f);
		if (rows[i].why) {
			expect_refused(f, err, rows[i].why);
			continue;
		}
		expect_loaded(f, err);
		if (f->img.kernel != rows[i].kernel || f->img.entry != f->img.kernel + 0x10 ||
		    f->img.kernel_end != f->img.kernel + 0x15000)
			fail_msg("row %zu: %#llx..%#llx, entry %#llx", i, f->img.kernel,
			         f->img.kernel_end, f->img.entry);
		expect_in_ram(f, f->img.kernel, f->file + ELF_CODE, 0x1000);
		expect_in_ram(f, f->img.kernel + 0x10000, f->file + ELF_DATA, 0x100);
		assert_int_equal(f->ram.host[f->img.kernel + 0x10100 - RAM], 0);
	}
}

static void vmlinux_keeps_what_its_image_header_asks_for(void **state)
{
	static const struct {
		u64 size, end; /* 0: refused */
		u64 entry; /* offset */
	} rows[] = {
		{ 0, 0x15000, 0 },         { 0x15000, 0x15000, 0 }, { 0x15001, 0x15001, 0 },
		{ 62 * MIB, 62 * MIB, 0 }, { 64 * MIB + 1, 0, 0 },  { 0x7fffffffffffffff, 0, 0 },
		{ 62 * MIB, 0x15000, 4 }, /* not entered at the header: no Image */
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct elf e = elf_at(ET_DYN, 0xffff800080000000, 0xffff800080000000);
		int err;

		e.entry = e.ph[0].p_vaddr + rows[i].entry;
		make_elf(f, &e);
		put64(f->file + ELF_CODE + 8, 0);
		put64(f->file + ELF_CODE + 16, rows[i].size);
		memcpy(f->file + ELF_CODE + 56, "ARM\x64", 4);
		err = load(f);
		if (!rows[i].end) {
			expect_refused(f, err, "does not fit into 64 MiB");
			continue;
		}
		expect_loaded(f, err);
		if (f->img.kernel != RAM || f->img.kernel_end != RAM + rows[i].end ||
		    f->img.entry != RAM + rows[i].entry)
			fail_msg("row %zu: ends at %#llx", i, f->img.kernel_end);
	}
}

/* One row per field of the file header: where, how wide, the wrong value. */
static void an_elf_header_is_checked_field_by_field(void **state)
{
	static const struct {
		size_t at, width;
		u64 value;
		const char *why;
	} rows[] = {
		{ EI_CLASS, 1, ELFCLASS32, "32-bit ELF" },
		{ EI_CLASS, 1, 0, "32-bit ELF" },
		{ EI_DATA, 1, ELFDATA2MSB, "big-endian ELF" },
		{ 16, 2, ET_REL, "not an executable" },
		{ 16, 2, ET_CORE, "not an executable" },
		{ 18, 2, EM_X86_64, "another machine" },
		{ 18, 2, EM_ARM, "another machine" },
		{ 24, 8, RAM + 0x1000, "in none of its segments" },
		{ 24, 8, RAM - 4, "in none of its segments" },
		{ 24, 8, RAM + 0x15000, "in none of its segments" },
		{ 24, 8, RAM + 2, "not 4-byte aligned" },
		{ 32, 8, ELF_LEN - 111, "ends before what its ELF headers point at" },
		{ 32, 8, 0x7fffffffffffffff, "ends before what its ELF headers point at" },
		{ 32, 8, ~0ull, "ends before what its ELF headers point at" },
		{ 32, 8, ~0ull - 111, "ends before what its ELF headers point at" },
		{ 54, 2, 55, "wrong e_phentsize" },
		{ 54, 2, 57, "wrong e_phentsize" },
		{ 56, 2, 0, "without program headers" },
		{ 56, 2, 65, "more than 64 program headers" },
		{ 56, 2, 0xffff, "more than 64 program headers" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct elf e = elf_at(ET_EXEC, RAM, RAM);
		u64 le = htole64(rows[i].value);

		make_elf(f, &e);
		memcpy(f->file + rows[i].at, &le, rows[i].width);
		expect_refused(f, load(f), rows[i].why);
	}
}

/* One row per way in which a second segment can be wrong. */
static void elf_segments_are_checked_field_by_field(void **state)
{
	static const struct {
		Elf64_Phdr ph;
		const char *why;
	} rows[] = {
#define LOAD(offset, vaddr, paddr, filesz, memsz)                                                  \
	{ PT_LOAD, 0, offset, vaddr, paddr, filesz, memsz, 0 }
		{ LOAD(0x2000, RAM, RAM + 0x1000, 0x100, 0x100), NULL },
		{ LOAD(0x2000, RAM, RAM + 0x1000, 0, 0x100), NULL },
		{ LOAD(0x7fffffffffffffff, RAM, RAM + 0x1000, 0, 0x100), NULL },
		{ LOAD(0x2000, RAM, RAM, 0, 0), NULL },
		{ LOAD(0x2000, RAM, RAM + 0xfff, 1, 1), "overlap" },
		{ LOAD(0x2000, RAM, RAM, 0x100, 0x100), "overlap" },
		{ LOAD(0x2000, RAM, RAM + 0x1000, 0x101, 0x100), "larger in the file" },
		{ LOAD(0x2000, RAM, RAM + 0x1000, 1, 0), "larger in the file" },
		{ LOAD(0x2000, RAM, RAM + 0x1000, ~0ull, 0x100), "larger in the file" },
		{ LOAD(0x2000, RAM, RAM + 0x1000, 0x101, 0x101), "ends before" },
		{ LOAD(0x2100, RAM, RAM + 0x1000, 1, 1), "ends before" },
		{ LOAD(0x7fffffffffffffff, RAM, RAM + 0x1000, 1, 1), "ends before" },
		{ LOAD(0x8000000000000000, RAM, RAM + 0x1000, 1, 1), "ends before" },
		{ LOAD(~0ull, RAM, RAM + 0x1000, 1, 1), "wraps around" },
		{ LOAD(0x2000, RAM, ~0ull, 1, 1), "wraps around" },
		{ LOAD(0x2000, RAM, RAM + 0x1000, 1, ~0ull), "wraps around" },
		{ LOAD(0x2000, ~0ull, RAM + 0x1000, 1, 1), "wraps around" },
		{ LOAD(0x2000, RAM, RAM + 64 * MIB, 1, 1), "outside of RAM" },
		{ LOAD(0x2000, RAM, RAM + 0x1000, 1, 64 * MIB), "outside of RAM" },
		{ LOAD(0x2000, RAM, 0, 1, 1), "outside of RAM" },
		{ { .p_type = PT_INTERP }, "dynamically linked" },
		{ { .p_type = PT_NOTE, .p_filesz = ~0ull, .p_paddr = ~0ull }, NULL },
#undef LOAD
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct elf e = elf_at(ET_EXEC, RAM, RAM);
		int err;

		e.ph[1] = rows[i].ph;
		make_elf(f, &e);
		err = load(f);
		if (rows[i].why)
			expect_refused(f, err, rows[i].why);
		else
			expect_loaded(f, err);
	}
}

static void an_elf_file_with_nothing_to_load_is_refused(void **state)
{
	struct elf e = elf_at(ET_EXEC, RAM, RAM);
	struct fixture *f = *state;

	e.ph[0].p_type = e.ph[1].p_type = PT_NOTE;
	make_elf(f, &e);
	expect_refused(f, load(f), "nothing to load");
	e = elf_at(ET_DYN, 0, 0);
	e.ph[1].p_memsz = 65 * MIB;
	make_elf(f, &e);
	expect_refused(f, load(f), "is larger than RAM");
	e.ph[1].p_paddr = ~0ull - 65 * MIB;
	make_elf(f, &e);
	expect_refused(f, load(f), "is larger than RAM");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(packed_things_that_are_no_image_are_named),
		T(a_zboot_header_is_checked_field_by_field),
		T(an_elf_file_goes_where_it_says_or_moves_as_a_whole),
		T(vmlinux_keeps_what_its_image_header_asks_for),
		T(an_elf_header_is_checked_field_by_field),
		T(elf_segments_are_checked_field_by_field),
		T(an_elf_file_with_nothing_to_load_is_refused),
	};

	return cmocka_run_group_tests_name("image_parse", tests, NULL, NULL);
}
