/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_FDT_FILES_H
#define TESTS_UNIT_FDT_FILES_H

#include "tests/unit/test.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "machine/fdt.h"
#include "tests/unit/caught.h"

/* Trees as files, as somebody else may have made or damaged them. */

enum { ROOM = 64 * 1024 };

struct fixture {
	struct fdt_boot boot;
	void *file, *buf; /* ROOM bytes each */
	struct caught said;
	size_t lines;
};

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	if (!f)
		return -1;
	f->file = calloc(1, ROOM);
	f->buf = calloc(1, ROOM);
	f->boot = (struct fdt_boot){
		.ram_base = 0x80000000,
		.ram_size = 0x40000000,
		.bootargs = "quiet",
		.initrd = 0x88000000,
		.initrd_end = 0x88001234,
		.has_kaslr_seed = true,
		.kaslr_seed = 0x1122334455667788,
		.rng_seed = { 7, 8, 9 },
	};
	return f->file && f->buf ? 0 : -1;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->file);
	free(f->buf);
	free(f);
	return 0;
}

static inline void path_of(int fd, char *buf, size_t size)
{
	(void)snprintf(buf, size, "/proc/self/fd/%d", fd);
}

static inline int file_of(const void *data, size_t len)
{
	int fd = memfd_create("dtb", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	return fd;
}

static inline int adopt_bytes(struct fixture *f, size_t len, size_t size)
{
	int fd = file_of(f->file, len), r;
	char path[64];

	path_of(fd, path, sizeof(path));
	caught_begin(&f->said);
	r = fdt_adopt(path, &f->boot, f->buf, size);
	f->lines = caught_end(&f->said);
	(void)close(fd);
	return r;
}

static inline int overlay_bytes(struct fixture *f, size_t len, size_t size)
{
	int fd = file_of(f->file, len), r;
	char path[64];

	path_of(fd, path, sizeof(path));
	caught_begin(&f->said);
	r = fdt_overlay(f->buf, size, path);
	f->lines = caught_end(&f->said);
	(void)close(fd);
	return r;
}

static inline int adopt(struct fixture *f)
{
	return adopt_bytes(f, fdt_totalsize(f->file), ROOM);
}

static inline int overlay(struct fixture *f)
{
	return overlay_bytes(f, fdt_totalsize(f->file), ROOM);
}

static inline void expect_refused(struct fixture *f, int r, int err, const char *why)
{
	if (r != err || f->lines != 1 || !strstr(f->said.text, why))
		fail_msg("%d: '%s', not %d '%s'", r, f->said.text, err, why);
}

static inline void expect_done(struct fixture *f, int r)
{
	if (r < 0 || f->lines != 0)
		fail_msg("%d: %s", r, f->said.text);
	assert_int_equal(fdt_check_full(f->buf, ROOM), 0);
}

/* Cells of a property, one after the other, in hexadecimal; "-": no such property. */
static inline void expect_cells(const void *blob, const char *path, const char *prop,
                                const char *cells)
{
	char text[200] = "-", *at = text;
	int len = 0, node = fdt_path_offset(blob, path);
	const fdt32_t *p = fdt_getprop(blob, node, prop, &len);

	for (int i = 0; p && i < len / 4 && at < text + sizeof(text) - 10; i++)
		at += sprintf(at, i ? " %x" : "%x", fdt32_ld(&p[i]));
	if (strcmp(text, cells) != 0)
		fail_msg("%s %s is <%s>, not <%s>", path, prop, text, cells);
}

static inline void expect_text(const void *blob, const char *path, const char *prop,
                               const char *text)
{
	int node = fdt_path_offset(blob, path);
	const char *p = fdt_getprop(blob, node, prop, NULL);

	if (!p || strcmp(p, text) != 0)
		fail_msg("%s %s is '%s', not '%s'", path, prop, p ? p : "(none)", text);
}

/* A tree as somebody else may have made it. @cells: of the root; 0: not said */
static inline void make_base(struct fixture *f, u32 address_cells, u32 size_cells)
{
	struct dt d;

	memset(f->file, 0, ROOM);
	dt_start(&d, f->file, ROOM);
	if (address_cells)
		dt_u32(&d, "#address-cells", address_cells);
	if (size_cells)
		dt_u32(&d, "#size-cells", size_cells);
	dt_string(&d, "model", "theirs");
	dt_node(&d, "memory");
	dt_string(&d, "device_type", "memory");
	dt_close(&d);
	dt_node(&d, "ram@40000000");
	dt_string(&d, "device_type", "memory");
	dt_close(&d);
	dt_node(&d, "memory-controller@1000");
	dt_u32(&d, "phandle", 5);
	dt_close(&d);
	dt_node(&d, "chosen");
	dt_string(&d, "bootargs", "theirs");
	dt_string(&d, "stdout-path", "/uart");
	dt_u64(&d, "linux,initrd-start", 1);
	dt_u64(&d, "linux,initrd-end", 2);
	dt_close(&d);
	dt_node(&d, "memory@80000000");
	dt_close(&d);
	dt_node(&d, "__symbols__");
	dt_string(&d, "mc", "/memory-controller@1000");
	dt_close(&d);
	assert_true(dt_end(&d) > 0);
}

static inline void make_deep(struct fixture *f, int depth)
{
	struct dt d;

	dt_start(&d, f->file, ROOM);
	for (int i = 0; i < depth; i++)
		dt_node(&d, "n");
	for (int i = 0; i < depth; i++)
		dt_close(&d);
	assert_true(dt_end(&d) > 0);
}

static inline u32 next_random(u64 *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(*seed >> 33);
}

/* Odd values at odd places; tokens are words, so half of the damage is a word's. */
static inline void damage(void *file, size_t len, u64 *seed)
{
	for (u32 n = 1 + next_random(seed) % 4; n > 0; n--) {
		size_t at = next_random(seed) % len;
		const u32 odd[] = { 0,          1,          2,
			            3,          4,          9,
			            0x7fffffff, 0xffffffff, next_random(seed) % 0x400 };
		fdt32_t word = cpu_to_fdt32(odd[next_random(seed) % ARRAY_SIZE(odd)]);

		if (next_random(seed) % 2)
			((u8 *)file)[at] = (u8)next_random(seed);
		else if (at + 4 <= len)
			memcpy((u8 *)file + (at & ~3ull), &word, sizeof(word));
	}
}

#endif /* TESTS_UNIT_FDT_FILES_H */
