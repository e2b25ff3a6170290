/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_IMAGE_FILES_H
#define TESTS_UNIT_IMAGE_FILES_H

#include "tests/unit/test.h"

#include <elf.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "machine/base/bits.h"
#include "machine/image.h"
#include "machine/image_parse.h"
#include "machine/layout.h"
#include "tests/unit/caught.h"

/* Kernel files of every kind, and RAM to load them into. */

#define RAM LAYOUT_RAM

enum { FILE_MAX = 4 * 1024 * 1024, GUARD = 4096 };

/* RAM with a page behind it that nobody may touch, and a file under construction. */
struct fixture {
	struct gmem ram;
	u8 *file;
	size_t len;
	struct caught said;
	size_t lines;
	struct image img;
};

static inline int set_ram(struct fixture *f, u64 size)
{
	u8 *p = mmap(NULL, size + GUARD, PROT_READ | PROT_WRITE,
	             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (f->ram.host)
		(void)munmap(f->ram.host, f->ram.size + GUARD);
	f->ram = (struct gmem){ .host = p == MAP_FAILED ? NULL : p, .base = RAM, .size = size };
	return f->ram.host ? mprotect(p + size, GUARD, PROT_NONE) : -1;
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	if (!f)
		return -1;
	f->file = calloc(1, FILE_MAX);
	return f->file ? set_ram(f, 64 * MIB) : -1;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	(void)munmap(f->ram.host, f->ram.size + GUARD);
	free(f->file);
	free(f);
	return 0;
}

static inline void put16(u8 *p, u16 v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put32(u8 *p, u32 v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put64(u8 *p, u64 v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

/* Not zero, and nowhere the same as a page further on. */
static inline u8 pattern(size_t i)
{
	return (u8)(1 + (i * 2654435761u >> 13) % 255);
}

static inline void make_flat(struct fixture *f, size_t len)
{
	for (size_t i = 0; i < len; i++)
		f->file[i] = pattern(i);
	f->len = len;
}

static inline void make_image(struct fixture *f, size_t len, u64 text_offset, u64 size)
{
	make_flat(f, len);
	memset(f->file, 0, IMAGE_HEAD);
	put64(f->file + 8, text_offset);
	put64(f->file + 16, size);
	memcpy(f->file + 56, "ARM\x64", 4);
}

static inline int file_of(const void *data, size_t len)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* Opens anew: an offset of its own. @fd -1: none. */
static const char *path_of(int fd, char *buf, size_t size)
{
	(void)snprintf(buf, size, "/proc/self/fd/%d", fd);
	return fd < 0 ? NULL : buf;
}

static inline int load_paths(struct fixture *f, const char *kernel, const char *initrd)
{
	int err;

	assert_int_equal(madvise(f->ram.host, f->ram.size, MADV_DONTNEED), 0);
	memset(&f->img, 0xee, sizeof(f->img));
	caught_begin(&f->said);
	err = image_load(&f->ram, kernel, initrd, &f->img);
	f->lines = caught_end(&f->said);
	return err;
}

static inline int load_fds(struct fixture *f, int kernel, int initrd)
{
	char k[64], i[64];

	return load_paths(f, path_of(kernel, k, sizeof(k)), path_of(initrd, i, sizeof(i)));
}

static inline int load_with(struct fixture *f, int initrd)
{
	int fd = file_of(f->file, f->len), err = load_fds(f, fd, initrd);

	(void)close(fd);
	return err;
}

static inline int load(struct fixture *f)
{
	return load_with(f, -1);
}

/* Whatever came in, this holds for what is handed on. */
static inline void expect_sane(const struct fixture *f)
{
	const struct image *m = &f->img;
	gpa_t end = RAM + f->ram.size;

	assert_true(m->kernel >= RAM && m->kernel < m->kernel_end && m->kernel_end <= end);
	assert_true(m->entry >= m->kernel && m->entry < m->kernel_end);
	assert_true(is_aligned(m->dtb, 2 * MIB) && m->dtb >= RAM && m->dtb < end);
	assert_true(m->dtb_room >= 64 * KIB && m->dtb_room <= 2 * MIB);
	assert_true(m->dtb + m->dtb_room <= end);
	assert_true(m->dtb >= m->kernel_end || m->dtb + m->dtb_room <= m->kernel);
	if (m->initrd == m->initrd_end)
		return;
	assert_true(m->initrd < m->initrd_end && m->initrd_end <= m->dtb);
	assert_true(is_aligned(m->initrd, 4 * KIB) && m->initrd >= RAM);
	assert_true(m->initrd >= m->kernel_end || m->initrd_end <= m->kernel);
}

static inline void expect_loaded(struct fixture *f, int err)
{
	if (err)
		fail_msg("refused: %s", f->said.text);
	assert_int_equal(f->lines, 0);
	expect_sane(f);
}

static inline void expect_refused(struct fixture *f, int err, const char *why)
{
	if (err >= 0 || f->lines != 1 || !strstr(f->said.text, why))
		fail_msg("%d: '%s', not '%s'", err, f->said.text, why);
	/* Nothing was handed out. */
	assert_true(f->img.entry == 0xeeeeeeeeeeeeeeee);
}

static inline void expect_in_ram(const struct fixture *f, gpa_t at, const void *data, size_t len)
{
	const u8 *p = gmem_ptr(&f->ram, at, len);

	assert_non_null(p);
	assert_memory_equal(p, data, len);
}

static inline size_t gzip(u8 *to, const u8 *from, size_t len)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)from, .avail_in = (uInt)len };

	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
	                 Z_OK);
	z.next_out = to;
	z.avail_out = FILE_MAX;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(deflateEnd(&z), Z_OK);
	return z.total_out;
}

static inline size_t zstd(u8 *to, const u8 *from, size_t len)
{
	size_t n = ZSTD_compress(to, FILE_MAX, from, len, 1);

	assert_false(ZSTD_isError(n));
	return n;
}

enum packing {
	GZIP,
	GZIP_MEMBERS,
	GZIP_JUNK,
	ZSTD,
	ZSTD_FRAMES,
	ZSTD_JUNK,
	ZBOOT_GZIP,
	ZBOOT_ZSTD,
	ZBOOT_ZSTD22,
	NR_PACKINGS
};

static inline size_t zboot(u8 *to, const u8 *from, size_t len, const char *type, bool is_gzip)
{
	enum { PAYLOAD = 100 * 1024 }; /* further than what is read ahead */
	size_t n = is_gzip ? gzip(to + PAYLOAD, from, len) : zstd(to + PAYLOAD, from, len);

	memset(to, 0, PAYLOAD);
	memcpy(to, "MZ\0\0zimg", 8);
	put32(to + 8, PAYLOAD);
	put32(to + 12, (u32)n);
	(void)snprintf((char *)to + 24, 32, "%s", type);
	put32(to + 56, 0x818223cd);
	put32(to + PAYLOAD + n, (u32)len); /* of no interest */
	return PAYLOAD + n + 4;
}

static inline size_t pack(u8 *to, const u8 *from, size_t len, enum packing how)
{
	size_t half = len / 2, n;

	switch (how) {
	case GZIP:
		return gzip(to, from, len);
	case GZIP_MEMBERS:
		n = gzip(to, from, half);
		return n + gzip(to + n, from + half, len - half);
	case GZIP_JUNK:
		n = gzip(to, from, len);
		memcpy(to + n, "\x1fjunk", 6);
		return n + 6;
	case ZSTD:
		return zstd(to, from, len);
	case ZSTD_FRAMES:
		n = zstd(to, from, half);
		return n + zstd(to + n, from + half, len - half);
	case ZSTD_JUNK:
		n = zstd(to, from, len);
		memcpy(to + n, "\x28junk", 6);
		return n + 6;
	case ZBOOT_GZIP:
		return zboot(to, from, len, "gzip", true);
	case ZBOOT_ZSTD:
		return zboot(to, from, len, "zstd", false);
	case ZBOOT_ZSTD22:
		return zboot(to, from, len, "zstd22", false);
	case NR_PACKINGS:
		break;
	}
	return 0;
}

static inline void pack_file(struct fixture *f, enum packing how)
{
	u8 *packed = calloc(1, 2 * FILE_MAX);

	assert_non_null(packed);
	f->len = pack(packed, f->file, f->len, how);
	assert_true(f->len <= FILE_MAX);
	memcpy(f->file, packed, f->len);
	free(packed);
}

/* A program of two segments, code and a bss behind data. */
struct elf {
	u64 entry;
	u16 type;
	Elf64_Phdr ph[2];
};

enum { ELF_CODE = 0x1000, ELF_DATA = 0x2000, ELF_LEN = 0x2100 };

static inline void make_elf(struct fixture *f, const struct elf *e)
{
	make_flat(f, ELF_LEN);
	memset(f->file, 0, 64 + 2 * 56);
	memcpy(f->file, "\177ELF\2\1\1", 7);
	put16(f->file + 16, e->type);
	put16(f->file + 18, EM_AARCH64);
	put32(f->file + 20, 1);
	put64(f->file + 24, e->entry);
	put64(f->file + 32, 64);
	put16(f->file + 52, 64);
	put16(f->file + 54, 56);
	put16(f->file + 56, 2);
	for (size_t i = 0; i < 2; i++) {
		u8 *p = f->file + 64 + i * 56;

		put32(p, e->ph[i].p_type);
		put64(p + 8, e->ph[i].p_offset);
		put64(p + 16, e->ph[i].p_vaddr);
		put64(p + 24, e->ph[i].p_paddr);
		put64(p + 32, e->ph[i].p_filesz);
		put64(p + 40, e->ph[i].p_memsz);
	}
}

static inline struct elf elf_at(u16 type, u64 vaddr, u64 paddr)
{
	return (struct elf){
		.entry = vaddr + 0x10,
		.type = type,
		.ph = {
			{ .p_type = PT_LOAD,
			  .p_offset = ELF_CODE,
			  .p_vaddr = vaddr,
			  .p_paddr = paddr,
			  .p_filesz = 0x1000,
			  .p_memsz = 0x1000 },
			{ .p_type = PT_LOAD,
			  .p_offset = ELF_DATA,
			  .p_vaddr = vaddr + 0x10000,
			  .p_paddr = paddr + 0x10000,
			  .p_filesz = 0x100,
			  .p_memsz = 0x5000 },
		},
	};
}

/* The way of a file's bytes through a pipe; as many as a pipe holds without a reader. */
static inline int pipe_of(const void *data, size_t len)
{
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], data, len), len);
	(void)close(fd[1]);
	return fd[0];
}

#endif /* TESTS_UNIT_IMAGE_FILES_H */
