/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "machine/image_unpack.h"

enum {
	BUF = 64 * 1024, /* bytes read ahead while unpacking */
	SCRATCH = 2 * 128 * 1024, /* bytes that a zstd block can reach, and as much again */
	STEP = 1 << 30, /* most bytes for one call: zlib counts in 32 bits */
};

struct image_src {
	int fd;
	enum image_kind kind; /* IMAGE_FLAT: nothing is unpacked */
	u64 left; /* bytes of the file that may still be taken */
	bool done; /* the last member or frame has ended */
	z_stream z;
	ZSTD_DStream *zstd;
	size_t pos, len; /* buf[pos..len) is read and not taken */
	u8 buf[BUF];
};

int image_src_create(int fd, struct image_src **out)
{
	struct image_src *s = malloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	/* Not the buffer: its pages are touched as far as the file reaches. */
	memset(s, 0, offsetof(struct image_src, buf));
	s->fd = fd;
	s->kind = IMAGE_FLAT;
	s->left = ~0ull;
	*out = s;
	return 0;
}

void image_src_destroy(struct image_src *s)
{
	if (!s)
		return;
	if (s->kind == IMAGE_GZIP)
		(void)inflateEnd(&s->z);
	(void)ZSTD_freeDStream(s->zstd);
	free(s);
}

static int read_some(int fd, void *buf, size_t len, size_t *got)
{
	ssize_t n;

	do
		n = read(fd, buf, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*got = (size_t)n;
	return 0;
}

/* What of the buffer may be taken. */
static size_t buffered(const struct image_src *s)
{
	size_t n = s->len - s->pos;

	return n < s->left ? n : (size_t)s->left;
}

static void take(struct image_src *s, size_t n)
{
	s->pos += n;
	s->left -= n;
}

/* Read until @want bytes can be taken; fewer at the end. */
static int fill(struct image_src *s, size_t want)
{
	if (s->len - s->pos >= want)
		return 0;
	memmove(s->buf, s->buf + s->pos, s->len - s->pos);
	s->len -= s->pos;
	s->pos = 0;
	while (s->len < want) {
		size_t got = 0;
		int err = read_some(s->fd, s->buf + s->len, BUF - s->len, &got);

		if (err < 0)
			return err;
		if (got == 0)
			break;
		s->len += got;
	}
	return 0;
}

int image_src_peek(struct image_src *s, const u8 **head, size_t *len)
{
	int err = fill(s, IMAGE_HEAD);

	if (err < 0)
		return err;
	*head = s->buf + s->pos;
	*len = buffered(s) < IMAGE_HEAD ? buffered(s) : (size_t)IMAGE_HEAD;
	return 0;
}

static int skip(struct image_src *s, u64 offset, const char **why)
{
	while (offset > 0) {
		size_t n;
		int err = fill(s, 1);

		if (err < 0)
			return err;
		n = buffered(s) < offset ? buffered(s) : (size_t)offset;
		if (n == 0) {
			*why = "ends before what its header points at";
			return -EINVAL;
		}
		take(s, n);
		offset -= n;
	}
	return 0;
}

int image_src_unpack(struct image_src *s, enum image_kind kind, u64 offset, u64 size,
                     const char **why)
{
	int err;

	*why = NULL;
	err = skip(s, offset, why);
	if (err < 0)
		return err;
	s->left = size;
	if (kind == IMAGE_ZSTD) {
		s->zstd = ZSTD_createDStream();
		if (!s->zstd)
			return -ENOMEM;
	} else if (inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK) { /* 16: with a gzip header */
		return -ENOMEM;
	}
	s->kind = kind;
	return 0;
}

static int read_raw(struct image_src *s, u8 *buf, size_t len, size_t *got)
{
	size_t have = buffered(s) < len ? buffered(s) : len;

	memcpy(buf, s->buf + s->pos, have);
	take(s, have);
	while (have < len) {
		size_t n = len - have < STEP ? len - have : (size_t)STEP;
		int err = read_some(s->fd, buf + have, n, &n);

		if (err < 0)
			return err;
		if (n == 0)
			break;
		have += n;
	}
	*got = have;
	return 0;
}

/* At the end of a member or frame: is there another one? */
static int look_behind(struct image_src *s, const char *magic, size_t len, bool *more)
{
	int err = fill(s, len);

	if (err < 0)
		return err;
	*more = buffered(s) >= len && memcmp(s->buf + s->pos, magic, len) == 0;
	return 0;
}

static int damaged(const char **why)
{
	*why = "its compressed data is damaged";
	return -EINVAL;
}

/* One call of inflate(). @buf, @len: where to; *@len becomes what was written. */
static int step_gzip(struct image_src *s, u8 *buf, size_t *len, const char **why)
{
	size_t in = buffered(s);
	bool more;
	int r, err;

	s->z.next_in = s->buf + s->pos;
	s->z.avail_in = (uInt)in;
	s->z.next_out = buf;
	s->z.avail_out = (uInt)*len;
	r = inflate(&s->z, Z_NO_FLUSH);
	take(s, in - s->z.avail_in);
	*len -= s->z.avail_out;

	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	if (r == Z_OK || r == Z_BUF_ERROR)
		return 0;
	if (r != Z_STREAM_END)
		return damaged(why);
	err = look_behind(s, "\x1f\x8b", 2, &more);
	if (err < 0)
		return err;
	s->done = !more;
	return more && inflateReset(&s->z) != Z_OK ? damaged(why) : 0;
}

static int step_zstd(struct image_src *s, u8 *buf, size_t *len, const char **why)
{
	ZSTD_inBuffer in = { .src = s->buf + s->pos, .size = buffered(s) };
	ZSTD_outBuffer out = { .dst = buf, .size = *len };
	size_t r = ZSTD_decompressStream(s->zstd, &out, &in);
	bool more;
	int err;

	take(s, in.pos);
	*len = out.pos;
	if (ZSTD_getErrorCode(r) == ZSTD_error_memory_allocation)
		return -ENOMEM;
	if (ZSTD_getErrorCode(r) == ZSTD_error_frameParameter_windowTooLarge) {
		*why = "is packed with a zstd window of more than 128 MiB";
		return -EINVAL;
	}
	if (ZSTD_isError(r))
		return damaged(why);
	if (r != 0)
		return 0;
	err = look_behind(s, "\x28\xb5\x2f\xfd", 4, &more);
	if (err < 0)
		return err;
	s->done = !more;
	return 0;
}

int image_src_read(struct image_src *s, void *buf, size_t len, size_t *got, const char **why)
{
	size_t have = 0;

	*why = NULL;
	if (s->kind == IMAGE_FLAT)
		return read_raw(s, buf, len, got);

	while (have < len && !s->done) {
		size_t n = len - have < STEP ? len - have : (size_t)STEP;
		int err = fill(s, 1);
		size_t in = buffered(s);

		if (err == 0)
			err = s->kind == IMAGE_GZIP ? step_gzip(s, (u8 *)buf + have, &n, why)
			                            : step_zstd(s, (u8 *)buf + have, &n, why);
		if (err < 0)
			return err;
		have += n;
		if (n == 0 && in == 0 && !s->done) {
			*why = "ends in the middle of its compressed data";
			return -EINVAL;
		}
	}
	/* zstd takes what is free behind its output for scratch; a bss may have to be there. */
	if (s->kind == IMAGE_ZSTD)
		memset((u8 *)buf + have, 0, len - have < SCRATCH ? len - have : (size_t)SCRATCH);
	*got = have;
	return 0;
}
