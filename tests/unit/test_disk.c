/* SPDX-License-Identifier: MIT */
#include "tests/unit/caught.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <linux/loop.h>
#include <pthread.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "machine/base/bits.h"
#include "machine/base/compiler.h"
#include "machine/disk.h"

struct rig {
	struct scratch s;
	struct caught c;
	int fd;
	u64 size;
	u32 block;
};

static int setup(void **state)
{
	struct rig *r = test_calloc(1, sizeof(*r));

	scratch_init(&r->s);
	r->fd = -1;
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	scratch_done(&r->s);
	test_free(r);
	return 0;
}

/* Return: what disk_open() did; the lines it wrote are in r->c.text. */
static int open_disk(struct rig *r, const char *path, bool read_only, bool direct, size_t *lines)
{
	int err;

	caught_begin(&r->c);
	err = disk_open(path, read_only, direct, &r->fd, &r->size, &r->block);
	*lines = caught_end(&r->c);
	return err;
}

static void close_disk(struct rig *r)
{
	(void)close(r->fd);
	r->fd = -1;
}

static void a_file_is_a_disk_of_its_size(void **state)
{
	static const struct {
		const char *name;
		u64 size;
		const char *warning; /* NULL: none */
	} rows[] = {
		{ "one", 512, NULL },           { "two", 1024, NULL },
		{ "odd", 513, "last 1 bytes" }, { "odder", 4096 + 511, "last 511 bytes" },
		{ "huge", 1ull << 40, NULL },
	};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *path = scratch_file(&r->s, rows[i].name, rows[i].size);
		size_t lines;

		assert_int_equal(open_disk(r, path, i & 1, false, &lines), 0);
		assert_true(r->size == rows[i].size);
		assert_int_equal(r->block, 512);
		assert_int_equal(lines, rows[i].warning ? 1 : 0);
		if (rows[i].warning)
			assert_true(strstr(r->c.text, rows[i].warning) && strstr(r->c.text, path) &&
			            strstr(r->c.text, "Warning"));
		close_disk(r);
	}
}

static void the_descriptor_is_as_the_device_needs_it(void **state)
{
	struct rig *r = *state;
	const char *path = scratch_file(&r->s, "disk", MIB);
	size_t lines;

	for (int ro = 0; ro < 2; ro++) {
		assert_int_equal(open_disk(r, path, ro, false, &lines), 0);
		assert_int_equal(fcntl(r->fd, F_GETFD), FD_CLOEXEC);
		assert_int_equal(fcntl(r->fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_DIRECT),
		                 ro ? O_RDONLY : O_RDWR);
		close_disk(r);
	}
}

static void make_socket(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(a.sun_path));
	(void)stpcpy(a.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	(void)close(fd);
}

/* One row per thing that is no disk; one line, which names it and says why. */
static void what_cannot_be_a_disk_is_refused_in_one_line(void **state)
{
	struct rig *r = *state;
	const char *fifo = scratch_path(&r->s, "fifo"), *sock = scratch_path(&r->s, "sock");
	const struct {
		const char *path, *why;
		int err;
	} rows[] = {
		{ r->s.dir, "irectory", 0 },
		{ fifo, "a pipe", -EINVAL },
		{ sock, "No such device", -ENXIO },
		{ "/dev/null", "a character device", -EINVAL },
		{ scratch_file(&r->s, "empty", 0), "is empty", -EINVAL },
		{ scratch_file(&r->s, "short", 511), "smaller than a sector", -EINVAL },
		{ scratch_path(&r->s, "missing"), "No such file", -ENOENT },
		{ "", "No such file", -ENOENT },
	};

	assert_int_equal(mkfifo(fifo, 0600), 0);
	make_socket(sock);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int how = 0; how < 4; how++) {
			size_t lines;
			int err;

			r->size = 77;
			r->block = 78;
			err = open_disk(r, rows[i].path, how & 1, how & 2, &lines);
			if (err >= 0 || (rows[i].err && err != rows[i].err && !(how & 2)))
				fail_msg("'%s': %d", rows[i].path, err);
			if (lines != 1 || !strstr(r->c.text, rows[i].path) ||
			    (!strstr(r->c.text, rows[i].why) && !(how & 2)))
				fail_msg("'%s': %s", rows[i].path, r->c.text);
			assert_true(r->fd == -1 && r->size == 77 && r->block == 78);
		}
	}
}

struct attempt {
	struct rig *r;
	const char *path;
	int err;
	size_t lines;
};

/* Also root is bound by a file's mode without capabilities, which are a thread's own. */
static void *open_without_rights(void *arg)
{
	struct attempt *a = arg;
	cap_t none = cap_init();

	a->err = cap_set_proc(none) == 0 ? open_disk(a->r, a->path, false, false, &a->lines) : 0;
	(void)cap_free(none);
	return NULL;
}

static void a_file_one_may_not_write_is_refused(void **state)
{
	struct rig *r = *state;
	struct attempt a = { .r = r, .path = scratch_file(&r->s, "disk", MIB) };
	pthread_t id;
	size_t lines;

	assert_int_equal(chmod(a.path, 0400), 0);
	assert_int_equal(pthread_create(&id, NULL, open_without_rights, &a), 0);
	assert_int_equal(pthread_join(id, NULL), 0);
	assert_int_equal(a.err, -EACCES);
	assert_int_equal(a.lines, 1);
	assert_true(strstr(r->c.text, a.path) && strstr(r->c.text, "for reading and writing"));
	assert_int_equal(open_disk(r, a.path, true, false, &lines), 0);
	close_disk(r);
}

/* One row per pair; the second is within this process, as `-d a -d a` would be. */
static void a_disk_is_written_by_one_or_read_by_many(void **state)
{
	static const struct {
		bool first_ro, second_ro;
		int err;
	} rows[] = {
		{ false, false, -EBUSY },
		{ false, true, -EBUSY },
		{ true, false, -EBUSY },
		{ true, true, 0 },
	};
	struct rig *r = *state;
	const char *path = scratch_file(&r->s, "disk", MIB);
	const char *link = scratch_path(&r->s, "other-name");

	assert_int_equal(symlink(path, link), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t lines;
		int first, err;

		assert_int_equal(open_disk(r, path, rows[i].first_ro, false, &lines), 0);
		first = r->fd;
		r->fd = -1;
		err = open_disk(r, link, rows[i].second_ro, false, &lines);
		if (err != rows[i].err)
			fail_msg("row %zu: %d", i, err);
		assert_int_equal(lines, err ? 1 : 0);
		if (err)
			assert_true(strstr(r->c.text, link) && strstr(r->c.text, "in use"));
		else
			close_disk(r);
		(void)close(first);
		/* The lock went with the descriptor. */
		assert_int_equal(open_disk(r, path, false, false, &lines), 0);
		close_disk(r);
	}
}

static void direct_io_works_with_the_block_size_found(void **state)
{
	struct rig *r = *state;
	const char *path = scratch_file(&r->s, "disk", MIB);
	int probe = open(path, O_RDWR | O_CLOEXEC | O_DIRECT);
	u8 *buf;
	size_t lines;

	if (probe < 0)
		skip_because("no O_DIRECT on this file system");
	(void)close(probe);
	assert_int_equal(open_disk(r, path, false, true, &lines), 0);
	assert_int_equal(lines, 0);
	assert_true(fcntl(r->fd, F_GETFL) & O_DIRECT);
	assert_true(r->block >= 512 && r->block <= 65536 && !(r->block & (r->block - 1)));
	buf = aligned_alloc(2ul * r->block, 2ul * r->block);
	assert_non_null(buf);
	memset(buf, 0x5a, 2ul * r->block);
	assert_true(pwrite(r->fd, buf + r->block, r->block, r->block) == (ssize_t)r->block);
	assert_true(pread(r->fd, buf, r->block, 0) == (ssize_t)r->block);
	assert_int_equal(buf[0], 0);
	free(buf);
	close_disk(r);
}

static void a_file_system_without_direct_io_is_named(void **state)
{
	struct rig *r = *state;
	size_t lines;

	assert_int_equal(open_disk(r, "/proc/version", true, true, &lines), -EINVAL);
	assert_int_equal(lines, 1);
	assert_true(strstr(r->c.text, "/proc/version") && strstr(r->c.text, "direct I/O"));
}

/* Return: a block device of this block size on a file, gone when closed; or -1. */
static int make_loop(struct rig *r, u64 size, u32 block, char path[32])
{
	struct loop_config cfg = { .block_size = block, .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	int ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int nr = ctl < 0 ? -1 : ioctl(ctl, LOOP_CTL_GET_FREE);
	int back = open(scratch_file(&r->s, "back", size), O_RDWR | O_CLOEXEC), dev;

	(void)close(ctl);
	(void)snprintf(path, 32, "/dev/loop%d", nr);
	dev = nr < 0 ? -1 : open(path, O_RDWR | O_CLOEXEC);
	cfg.fd = (u32)back;
	if (dev >= 0 && ioctl(dev, LOOP_CONFIGURE, &cfg) < 0) {
		(void)close(dev);
		dev = -1;
	}
	(void)close(back);
	return dev;
}

static void a_block_device_has_its_own_sectors(void **state)
{
	struct rig *r = *state;
	char path[32];
	int dev = make_loop(r, 3 * 4096, 4096, path);
	size_t lines;

	if (dev < 0)
		skip_because("no permission to make a block device");
	for (int how = 0; how < 4; how++) {
		int err = open_disk(r, path, how & 1, how & 2, &lines), first;

		if (err < 0 || r->size != 3 * 4096 || r->block != 4096)
			fail_msg("%d: %d, %llu bytes in blocks of %u: %s", how, err, r->size,
			         r->block, r->c.text);
		first = r->fd;
		assert_int_equal(open_disk(r, path, false, false, &lines), -EBUSY);
		assert_int_equal(lines, 1);
		(void)close(first);
		r->fd = -1;
	}
	(void)close(dev);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_file_is_a_disk_of_its_size),
		T(the_descriptor_is_as_the_device_needs_it),
		T(what_cannot_be_a_disk_is_refused_in_one_line),
		T(a_file_one_may_not_write_is_refused),
		T(a_disk_is_written_by_one_or_read_by_many),
		T(direct_io_works_with_the_block_size_found),
		T(a_file_system_without_direct_io_is_named),
		T(a_block_device_has_its_own_sectors),
	};

	(void)alarm(60); /* an open() that waits for the other end of a pipe */
	return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
