/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "machine/base/bits.h"
#include "machine/base/log.h"
#include "machine/base/own.h"
#include "machine/fdt_private.h"

enum {
	FILE_MAX = 2 * 1024 * 1024, /* bytes; booting.rst allows no tree more than that */
	DEPTH_MAX = 32, /* libfdt's overlay code recurses */
	VERSION = 17, /* of the format: dtc's since 2007 */
};

int fdt_refuse(const struct fdt_source *s, int err)
{
	const char *why = fdt_strerror(err);

	switch (-err) {
	case FDT_ERR_BADMAGIC:
		return log_refuse(-EINVAL, "%s '%s' is not a compiled device tree", s->what,
		                  s->path);
	case FDT_ERR_TRUNCATED:
		return log_refuse(-EINVAL, "%s '%s' is truncated", s->what, s->path);
	case FDT_ERR_NOSPACE:
		return log_refuse(-ENOSPC, "%s '%s' does not fit into the tree's room in RAM",
		                  s->what, s->path);
	case FDT_ERR_BADOVERLAY:
		why = "not an overlay, or it contradicts itself";
		break;
	case FDT_ERR_NOTFOUND:
		why = "it refers to a node that is not there";
		break;
	case FDT_ERR_BADNCELLS:
		why = "its #address-cells or #size-cells cannot describe RAM";
		break;
	default:
		break;
	}
	return log_refuse(-EINVAL, "%s '%s': %s", s->what, s->path, why);
}

static int read_all(int fd, u8 *buf, size_t size, size_t *len)
{
	size_t have = 0;

	while (have < size) {
		ssize_t n = read(fd, buf + have, size - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	*len = have;
	return 0;
}

static int read_file(const struct fdt_source *s, void **out, size_t *len)
{
	auto_fd fd = open(s->path, O_RDONLY | O_CLOEXEC);
	auto_free u8 *buf = NULL;
	int err;

	if (fd < 0)
		return log_errno(-errno, "open %s '%s'", s->what, s->path);
	buf = malloc(FILE_MAX + 1);
	if (!buf)
		return log_errno(-ENOMEM, "read %s '%s'", s->what, s->path);
	err = read_all(fd, buf, FILE_MAX + 1, len);
	if (err < 0)
		return log_errno(err, "read %s '%s'", s->what, s->path);
	if (*len > FILE_MAX)
		return log_refuse(-EFBIG, "%s '%s' is larger than 2 MiB", s->what, s->path);
	*out = take_ptr(&buf);
	return 0;
}

/*
 * After this libfdt may walk the blob. The version comes first: with an older
 * one fdt_check_full() itself runs off the end (seen with libfdt 1.6.1).
 */
static int check(const struct fdt_source *s, const void *blob, size_t len)
{
	int err = len < sizeof(struct fdt_header) ? -FDT_ERR_TRUNCATED : fdt_check_header(blob);
	int depth = 0;

	if (!err && fdt_version(blob) < VERSION)
		return log_refuse(-EINVAL, "%s '%s' has format version %u; 17 is needed", s->what,
		                  s->path, fdt_version(blob));
	if (!err)
		err = fdt_check_full(blob, len);
	if (err)
		return fdt_refuse(s, err);
	for (int n = 0; n >= 0; n = fdt_next_node(blob, n, &depth))
		if (depth > DEPTH_MAX)
			return log_refuse(-EINVAL, "%s '%s' nests deeper than 32 nodes", s->what,
			                  s->path);
	return 0;
}

int fdt_read(const struct fdt_source *s, void **out)
{
	auto_free void *blob = NULL;
	size_t len = 0;
	int err = read_file(s, &blob, &len);

	if (blob)
		err = check(s, blob, len);
	if (err != 0)
		return err;
	*out = take_ptr(&blob);
	return 0;
}

static void set(struct dt *d, int node, const char *name, const void *data, size_t len)
{
	if (!d->err)
		d->err = fdt_setprop(d->buf, node, name, data, (int)len);
}

static void set_u64(struct dt *d, int node, const char *name, u64 value)
{
	if (!d->err)
		d->err = fdt_setprop_u64(d->buf, node, name, value);
}

static void set_string(struct dt *d, int node, const char *name, const char *s)
{
	set(d, node, name, s, strlen(s) + 1);
}

static void unset(struct dt *d, int node, const char *name)
{
	if (!d->err)
		d->err = fdt_delprop(d->buf, node, name);
	if (d->err == -FDT_ERR_NOTFOUND)
		d->err = 0;
}

/* A node offset, or an error that sticks. */
static int keep(struct dt *d, int node)
{
	if (!d->err && node < 0)
		d->err = node;
	return node;
}

static void set_chosen(struct dt *d, const struct fdt_boot *boot)
{
	int node;

	if (d->err)
		return;
	node = fdt_subnode_offset(d->buf, 0, "chosen");
	node = keep(d, node == -FDT_ERR_NOTFOUND ? fdt_add_subnode(d->buf, 0, "chosen") : node);
	if (boot->bootargs && boot->bootargs[0])
		set_string(d, node, "bootargs", boot->bootargs);
	if (boot->stdout_path)
		set_string(d, node, "stdout-path", boot->stdout_path);
	if (boot->initrd_end > boot->initrd) {
		set_u64(d, node, "linux,initrd-start", boot->initrd);
		set_u64(d, node, "linux,initrd-end", boot->initrd_end);
	} else {
		unset(d, node, "linux,initrd-start");
		unset(d, node, "linux,initrd-end");
	}
	if (boot->has_kaslr_seed)
		set_u64(d, node, "kaslr-seed", boot->kaslr_seed);
	set(d, node, "rng-seed", boot->rng_seed, sizeof(boot->rng_seed));
}

/* Linux goes by device_type, a name that is taken would be in our way. */
static bool is_memory(const void *blob, int node)
{
	int len;
	const char *type = fdt_getprop(blob, node, "device_type", &len);
	const char *name;

	if (type && len == sizeof("memory") && memcmp(type, "memory", sizeof("memory")) == 0)
		return true;
	name = fdt_get_name(blob, node, NULL);
	return name && strncmp(name, "memory", 6) == 0 && (name[6] == '\0' || name[6] == '@');
}

static void drop_memory(struct dt *d)
{
	int next;

	if (d->err)
		return;
	for (int node = fdt_first_subnode(d->buf, 0); node >= 0; node = next) {
		next = fdt_next_subnode(d->buf, node); /* nothing moves: a nop is as long */
		if (is_memory(d->buf, node) && !d->err)
			d->err = fdt_nop_node(d->buf, node);
	}
}

/* One number of a reg, in as many cells as the tree has for it. */
static size_t put_cells(struct dt *d, u32 *cells, int nr, u64 value)
{
	if (nr < 1 || nr > 2 || (nr == 1 && value > UINT32_MAX)) {
		if (!d->err)
			d->err = -FDT_ERR_BADNCELLS;
		return 0;
	}
	if (nr == 2)
		cells[0] = htobe32(hi32(value));
	cells[nr - 1] = htobe32(lo32(value));
	return (size_t)nr;
}

static void set_memory(struct dt *d, const struct fdt_boot *boot)
{
	char name[32];
	u32 reg[4];
	size_t nr;
	int node;

	drop_memory(d);
	if (d->err)
		return;
	nr = put_cells(d, reg, fdt_address_cells(d->buf, 0), boot->ram_base);
	nr += put_cells(d, reg + nr, fdt_size_cells(d->buf, 0), boot->ram_size);
	(void)snprintf(name, sizeof(name), "memory@%llx", boot->ram_base);
	node = keep(d, fdt_add_subnode(d->buf, 0, name));
	set_string(d, node, "device_type", "memory");
	set(d, node, "reg", reg, nr * sizeof(reg[0]));
}

int fdt_adopt(const char *path, const struct fdt_boot *boot, void *buf, size_t size)
{
	const struct fdt_source s = { "device tree", path };
	struct dt d = { .buf = buf };
	auto_free void *file = NULL;
	int err = fdt_read(&s, &file);

	if (err < 0)
		return err;

	d.err = fdt_open_into(file, buf, size > INT_MAX ? INT_MAX : (int)size);
	set_chosen(&d, boot);
	set_memory(&d, boot);
	if (!d.err)
		d.err = fdt_pack(buf);
	return d.err ? fdt_refuse(&s, d.err) : (int)fdt_totalsize(buf);
}

static int write_all(int fd, const u8 *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int fdt_dump(const void *blob, const char *path)
{
	bool to_stdout = strcmp(path, "-") == 0;
	auto_fd fd = -1;
	struct stat st;
	int err;

	if (!to_stdout) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (fd < 0)
			return log_errno(-errno, "open '%s' for the device tree", path);
	}
	err = write_all(to_stdout ? STDOUT_FILENO : fd, blob, fdt_totalsize(blob));
	if (err == 0)
		return 0;
	/* Half a tree is worse than none; a device or a pipe is not ours to remove. */
	if (!to_stdout && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		(void)unlink(path);
	return log_errno(err, "write the device tree to '%s'", path);
}
