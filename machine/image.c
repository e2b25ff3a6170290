/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "machine/base/bits.h"
#include "machine/base/log.h"
#include "machine/base/own.h"
#include "machine/image.h"
#include "machine/image_parse.h"
#include "machine/image_unpack.h"
#include "machine/layout.h"

#define FLAT_OFFSET 0x80000ull /* kvmtool's; also an old Image's text_offset */

#define DTB_ALIGN (2 * MIB) /* booting.rst: mapped in blocks of this, and not larger */
#define DTB_LEAST (256 * KIB) /* enough for 512 CPUs and all devices */
#define PAGE      (4 * KIB)

/* booting.rst: the initrd is within 32 GiB of the 1 GiB boundary below the kernel. */
#define INITRD_WINDOW (32 * GIB)

/* One kernel on its way into RAM. */
struct load {
	const struct gmem *ram;
	const char *path;
	int fd;
	struct image_src *src;
};

static void cleanup_src(struct image_src **s)
{
	image_src_destroy(*s);
}

/* @why: a reason about the file; NULL: @err has one. */
static int refuse(const struct load *l, int err, const char *why)
{
	if (why)
		return log_refuse(err, "kernel '%s' %s", l->path, why);
	return log_errno(err, "read kernel '%s'", l->path);
}

static int too_large(const struct load *l)
{
	return log_refuse(-EFBIG,
	                  "kernel '%s' does not fit into %llu MiB of RAM: a larger -m is needed",
	                  l->path, l->ram->size / MIB);
}

/* A directory opens like a file, and only read(2) would complain. */
static int check_type(int fd, const char *what, const char *path, struct stat *st)
{
	if (fstat(fd, st) < 0)
		return log_errno(-errno, "stat %s '%s'", what, path);
	if (S_ISDIR(st->st_mode))
		return log_refuse(-EISDIR, "%s '%s' is a directory", what, path);
	return 0;
}

/*
 * The Image or flat binary that the source gives, unpacked by now. Its first
 * bytes say where the rest goes, and that goes straight there.
 */
static int load_stream(const struct load *l, struct image *out)
{
	struct image_arm64 hdr = { .text_offset = FLAT_OFFSET };
	u8 head[IMAGE_HEAD];
	const char *why, *name;
	size_t len, got = 0;
	enum image_kind kind;
	u64 room;
	u8 *to, extra;
	int err = image_src_read(l->src, head, sizeof(head), &len, &why);

	if (err < 0)
		return refuse(l, err, why);
	if (len == 0)
		return refuse(l, -EINVAL, "holds nothing");
	kind = image_identify(head, len, &name);
	if (kind == IMAGE_ARM64 && image_arm64_parse(head, &hdr, &why) < 0)
		return refuse(l, -EINVAL, why);
	if (kind != IMAGE_ARM64 && kind != IMAGE_FLAT)
		return log_refuse(-EINVAL,
		                  "kernel '%s' is compressed, and in it is no Image but %s",
		                  l->path, name);

	if (hdr.text_offset > l->ram->size || hdr.size > l->ram->size - hdr.text_offset ||
	    len > l->ram->size - hdr.text_offset)
		return too_large(l);
	room = l->ram->size - hdr.text_offset;
	to = gmem_ptr(l->ram, l->ram->base + hdr.text_offset, room);
	memcpy(to, head, len);
	if (len == sizeof(head)) {
		err = image_src_read(l->src, to + len, room - len, &got, &why);
		len += got;
		/* Also makes sure that a checksum at the end has been looked at. */
		if (err == 0 && len == room)
			err = image_src_read(l->src, &extra, 1, &got, &why);
		if (err < 0)
			return refuse(l, err, why);
		if (len == room && got > 0)
			return too_large(l);
	}
	if (kind == IMAGE_ARM64 && image_arm64_extent(to, len) > len)
		return refuse(l, -EINVAL, "ends before what its PE header points at");

	out->kernel = l->ram->base + hdr.text_offset;
	out->kernel_end = out->kernel + (hdr.size > len ? hdr.size : len);
	out->entry = out->kernel;
	return 0;
}

static int load_packed(const struct load *l, enum image_kind kind, const u8 *head, size_t len,
                       struct image *out)
{
	struct image_zboot z = { .size = 0 };
	const char *why = NULL;
	int err = 0;

	if (kind == IMAGE_ZBOOT) {
		err = image_zboot_parse(head, len, &z, &why);
		if (err == 0)
			err = image_src_unpack(l->src, z.packed, z.offset, z.size, &why);
	} else {
		err = image_src_unpack(l->src, kind, 0, ~0ull, &why);
	}
	return err < 0 ? refuse(l, err, why) : load_stream(l, out);
}

/* Exactly @len bytes of the file. */
static int read_at(const struct load *l, void *buf, u64 len, u64 offset)
{
	u64 have = 0;

	if (len > INT64_MAX || offset > INT64_MAX - len)
		return refuse(l, -EINVAL, "ends before what its ELF headers point at");
	while (have < len) {
		ssize_t n = pread(l->fd, (u8 *)buf + have, len - have, (off_t)(offset + have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ESPIPE)
			return refuse(l, -EINVAL,
			              "is an ELF file and comes through a pipe: a file is needed");
		if (n < 0)
			return refuse(l, -errno, NULL);
		if (n == 0)
			return refuse(l, -EINVAL, "ends before what its ELF headers point at");
		have += (u64)n;
	}
	return 0;
}

/* vmlinux's segments end before what head.S takes behind its bss; the Image header in it says all. */
static void add_image_size(const struct load *l, struct image_elf_place *place)
{
	const u8 *head = gmem_ptr(l->ram, place->start, IMAGE_HEAD);
	struct image_arm64 hdr;
	const char *name, *why;

	if (!head || place->entry != place->start ||
	    image_identify(head, IMAGE_HEAD, &name) != IMAGE_ARM64 ||
	    image_arm64_parse(head, &hdr, &why) < 0)
		return;
	if (hdr.size > place->end - place->start && place->start + hdr.size > place->start)
		place->end = place->start + hdr.size;
}

static int load_elf(const struct load *l, const u8 *head, size_t len, struct image *out)
{
	u8 phdrs[IMAGE_ELF_PHDRS_MAX * IMAGE_ELF_PHDR];
	struct image_segments segs;
	struct image_elf_place place;
	struct image_elf elf;
	const char *why;
	int err;

	if (image_elf_parse(head, len, &elf, &why) < 0)
		return refuse(l, -EINVAL, why);
	err = read_at(l, phdrs, (u64)elf.phnum * IMAGE_ELF_PHDR, elf.phoff);
	if (err < 0)
		return err;
	if (image_elf_segments(phdrs, elf.phnum, &segs, &why) < 0 ||
	    image_elf_place(&elf, &segs, l->ram->base, l->ram->size, &place, &why) < 0)
		return refuse(l, -EINVAL, why);

	for (size_t i = 0; i < segs.nr; i++) {
		const struct image_segment *s = &segs.seg[i];

		err = read_at(l, gmem_ptr(l->ram, s->paddr + place.shift, s->filesz), s->filesz,
		              s->offset);
		if (err < 0)
			return err;
	}
	add_image_size(l, &place);
	if (place.end - l->ram->base > l->ram->size)
		return too_large(l);
	out->kernel = place.start;
	out->kernel_end = place.end;
	out->entry = place.entry;
	return 0;
}

static int load_kernel(const struct gmem *ram, const char *path, struct image *out)
{
	auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	struct image_src *src cleanup(cleanup_src) = NULL;
	struct load l = { .ram = ram, .path = path, .fd = fd };
	const char *name;
	const u8 *head;
	struct stat st;
	size_t len;
	int err;

	/* Word for word kvmtool's, for the scripts that look for it. */
	if (fd < 0)
		return log_refuse(-errno, "Unable to open kernel %s", path);
	err = check_type(fd, "kernel", path, &st);
	if (err < 0)
		return err;
	err = image_src_create(fd, &src);
	if (err == 0)
		err = image_src_peek(src, &head, &len);
	if (err != 0)
		return refuse(&l, err, NULL);

	l.src = src;
	switch (image_identify(head, len, &name)) {
	case IMAGE_FLAT:
	case IMAGE_ARM64:
		return load_stream(&l, out);
	case IMAGE_ELF:
		return load_elf(&l, head, len, out);
	case IMAGE_FOREIGN:
		return log_refuse(-EINVAL, "kernel '%s' is %s; gzip or zstd is needed", path, name);
	case IMAGE_ZBOOT:
		return load_packed(&l, IMAGE_ZBOOT, head, len, out);
	case IMAGE_GZIP:
		return load_packed(&l, IMAGE_GZIP, head, len, out);
	case IMAGE_ZSTD:
		return load_packed(&l, IMAGE_ZSTD, head, len, out);
	}
	return -EINVAL;
}

/* Device tree at the top of [@lo, @hi), initrd under it. */
static bool place_in(gpa_t lo, gpa_t hi, u64 initrd_size, struct image *out)
{
	u64 initrd_room = align_up(initrd_size, PAGE);
	gpa_t dtb;

	if (hi < lo || hi - lo < DTB_LEAST || initrd_size > hi - lo)
		return false;
	dtb = align_down(hi - DTB_LEAST, DTB_ALIGN);
	if (dtb < lo || initrd_room > dtb - lo)
		return false;

	out->dtb = dtb;
	out->dtb_room = hi - dtb < DTB_ALIGN ? hi - dtb : DTB_ALIGN;
	out->initrd = initrd_size > 0 ? align_down(dtb - initrd_size, PAGE) : 0;
	out->initrd_end = out->initrd + initrd_size;
	return true;
}

static int no_room(const struct gmem *ram, u64 initrd_size, const struct image *img)
{
	u64 kernel_size = img->kernel_end - img->kernel;
	u64 least =
		align_up(img->kernel_end - ram->base + initrd_size + PAGE, DTB_ALIGN) + DTB_ALIGN;

	return log_refuse(-EFBIG,
	                  "kernel (%llu KiB), initrd (%llu KiB) and device tree do not fit into "
	                  "%llu MiB of RAM: -m %lluM is needed",
	                  kernel_size / KIB, initrd_size / KIB, ram->size / MIB, least / MIB);
}

/*
 * Where early page tables of all kernels reach; else, for what is larger than
 * that and kernels from 4.2 on, anywhere behind the kernel; else under it, for
 * an ELF file that sits at the top of RAM.
 */
static int place_blobs(const struct gmem *ram, u64 initrd_size, struct image *img)
{
	gpa_t window =
		ram->base + (ram->size < LAYOUT_BOOT_WINDOW ? ram->size : LAYOUT_BOOT_WINDOW);
	gpa_t far = ram->base + (ram->size < INITRD_WINDOW ? ram->size : INITRD_WINDOW);

	if (place_in(img->kernel_end, window, initrd_size, img) ||
	    place_in(img->kernel_end, far, initrd_size, img) ||
	    place_in(ram->base, img->kernel < window ? img->kernel : window, initrd_size, img))
		return 0;
	return no_room(ram, initrd_size, img);
}

/* The length is known: straight to its place. */
static int load_initrd_file(const struct gmem *ram, const char *path, struct image_src *src,
                            u64 size, struct image *out)
{
	const char *why;
	size_t got;
	int err = place_blobs(ram, size, out);

	if (err < 0)
		return err;
	err = image_src_read(src, gmem_ptr(ram, out->initrd, size), size, &got, &why);
	if (err < 0)
		return log_errno(err, "read initrd '%s'", path);
	if (got < size)
		return log_refuse(-EINVAL, "initrd '%s' became shorter while it was read", path);
	return 0;
}

/* A pipe says its length at the end: read behind the kernel, then move. */
static int load_initrd_pipe(const struct gmem *ram, const char *path, struct image_src *src,
                            struct image *out)
{
	gpa_t tmp = align_up(out->kernel_end, PAGE), end = align_down(ram->base + ram->size, PAGE);
	u64 room = tmp < end ? end - tmp : 0;
	size_t got = 0, extra = 0;
	const char *why;
	u8 byte;
	int err = 0;

	if (room > 0)
		err = image_src_read(src, gmem_ptr(ram, tmp, room), room, &got, &why);
	if (err == 0 && got == room)
		err = image_src_read(src, &byte, 1, &extra, &why);
	if (err < 0)
		return log_errno(err, "read initrd '%s'", path);
	if (extra > 0)
		return no_room(ram, room + extra, out);
	if (got == 0)
		return log_refuse(-EINVAL, "initrd '%s' is empty", path);
	err = place_blobs(ram, got, out);
	if (err == 0)
		memmove(gmem_ptr(ram, out->initrd, got), gmem_ptr(ram, tmp, got), got);
	return err;
}

static int load_initrd(const struct gmem *ram, const char *path, struct image *out)
{
	auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	struct image_src *src cleanup(cleanup_src) = NULL;
	struct stat st;
	int err;

	if (fd < 0)
		return log_errno(-errno, "open initrd '%s'", path);
	err = check_type(fd, "initrd", path, &st);
	if (err < 0)
		return err;
	err = image_src_create(fd, &src);
	if (err < 0)
		return log_errno(err, "read initrd '%s'", path);
	if (S_ISREG(st.st_mode) && st.st_size > 0)
		return load_initrd_file(ram, path, src, (u64)st.st_size, out);
	return load_initrd_pipe(ram, path, src, out);
}

int image_load(const struct gmem *ram, const char *kernel, const char *initrd, struct image *out)
{
	struct image img = { .entry = 0 };
	int err = load_kernel(ram, kernel, &img);

	if (err == 0)
		err = initrd ? load_initrd(ram, initrd, &img) : place_blobs(ram, 0, &img);
	if (err == 0)
		*out = img;
	return err;
}
