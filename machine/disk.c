/* SPDX-License-Identifier: MIT */
#include "machine/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/base/log.h"
#include "machine/base/own.h"

enum {
	SECTOR = 512,
	BLOCK_MAX = 64 * 1024, /* virtio-blk takes no larger one */
};

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFCHR:
		return "a character device";
	case S_IFIFO:
		return "a pipe";
	case S_IFSOCK:
		return "a socket";
	default:
		return NULL;
	}
}

static int check_kind(const char *path, int fd, struct stat *st)
{
	const char *kind;

	if (fstat(fd, st) < 0)
		return log_errno(-errno, "look at disk '%s'", path);
	kind = kind_of(st->st_mode);
	if (kind)
		return log_refuse(-EINVAL, "disk '%s' is %s, not a file or a block device", path,
		                  kind);
	return 0;
}

/* Non-blocking was for open() alone, which would wait for the other end of a pipe. */
static int set_mode(const char *path, int fd, bool direct)
{
	if (fcntl(fd, F_SETFL, direct ? O_DIRECT : 0) == 0)
		return 0;
	if (direct && errno == EINVAL)
		return log_refuse(-EINVAL, "disk '%s': its file system has no direct I/O", path);
	return log_errno(-errno, "set the mode of disk '%s'", path);
}

static int lock_disk(const char *path, int fd, bool read_only)
{
	struct flock l = { .l_type = read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &l) == 0)
		return 0;
	switch (errno) {
	case EAGAIN:
	case EACCES:
		return log_refuse(-EBUSY, "disk '%s' is in use already%s", path,
		                  read_only ? ", for writing" : "");
	case ENOLCK:
	case EINVAL:
	case ENOSYS:
	case EOPNOTSUPP:
		log_at(LOG_WARN, "disk '%s' cannot be locked against use by others", path);
		return 0;
	default:
		return log_errno(-errno, "lock disk '%s'", path);
	}
}

/* The smallest read that works: statx() tells since Linux 6.1 only, and not everywhere. */
static u32 direct_block(int fd, u32 from)
{
	auto_free void *buf = NULL;

	if (posix_memalign(&buf, (size_t)2 * BLOCK_MAX, (size_t)2 * BLOCK_MAX) != 0)
		return 0;
	for (u32 n = from; n <= BLOCK_MAX; n *= 2) {
		/* Aligned to n and to no more. */
		if (pread(fd, (char *)buf + n, n, 0) >= 0)
			return n;
		if (errno != EINVAL)
			break;
	}
	return 0;
}

static int find_block_size(const char *path, int fd, bool device, bool direct, u32 *out)
{
	int logical;
	u32 bs = SECTOR;

	/* A disk's partition table counts in these: the guest must see the same. */
	if (device && ioctl(fd, BLKSSZGET, &logical) == 0 && logical >= SECTOR)
		bs = (u32)logical;
	if (direct)
		bs = direct_block(fd, bs);
	if (!bs || bs > BLOCK_MAX || (bs & (bs - 1)))
		return log_refuse(-EINVAL, "disk '%s': no block size was found for direct I/O",
		                  path);
	*out = bs;
	return 0;
}

static int find_size(const char *path, int fd, u32 block_size, u64 *out)
{
	off_t end = lseek(fd, 0, SEEK_END); /* the size of a block device, too */
	u64 rest;

	if (end < 0)
		return log_errno(-errno, "find the size of disk '%s'", path);
	if (end == 0)
		return log_refuse(-EINVAL, "disk '%s' is empty", path);
	if ((u64)end < block_size)
		return log_refuse(-EINVAL, "disk '%s' is smaller than a sector of %u bytes", path,
		                  block_size);
	rest = (u64)end & (block_size - 1);
	if (rest)
		log_at(LOG_WARN,
		       "disk '%s': its last %llu bytes make no whole sector; the guest does "
		       "not see them",
		       path, rest);
	*out = (u64)end;
	return 0;
}

int disk_open(const char *path, bool read_only, bool direct, int *fd, u64 *size, u32 *block_size)
{
	int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	auto_fd f = open(path, flags);
	struct stat st;
	u64 bytes = 0;
	u32 bs = 0;
	int err;

	if (f < 0)
		return log_errno(-errno, "open disk '%s'%s", path,
		                 read_only ? "" : " for reading and writing");
	err = check_kind(path, f, &st);
	if (err == 0)
		err = set_mode(path, f, direct);
	if (err == 0)
		err = lock_disk(path, f, read_only);
	if (err == 0)
		err = find_block_size(path, f, S_ISBLK(st.st_mode), direct, &bs);
	if (err == 0)
		err = find_size(path, f, bs, &bytes);
	if (err < 0)
		return err;

	*fd = take_fd(&f);
	*size = bytes;
	*block_size = bs;
	return 0;
}
