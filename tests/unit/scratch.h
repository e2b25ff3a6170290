/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/base/types.h"

/* A directory of the test's own, with one level of files in it. */
struct scratch {
	char dir[200];
	char path[16][256]; /* what was made, to be removed */
	u32 nr;
};

static inline void scratch_init(struct scratch *s)
{
	const char *tmp = getenv("TMPDIR");

	*s = (struct scratch){ 0 };
	(void)snprintf(s->dir, sizeof(s->dir), "%s/roost-test-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(s->dir));
}

/* Where a file of this name is; it is removed in the end, whatever it will be. */
static inline const char *scratch_path(struct scratch *s, const char *name)
{
	char *p = s->path[s->nr++];

	assert_true(s->nr <= sizeof(s->path) / sizeof(s->path[0]));
	assert_true(strlen(s->dir) + strlen(name) + 2 <= sizeof(s->path[0]));
	(void)stpcpy(stpcpy(stpcpy(p, s->dir), "/"), name);
	return p;
}

/* A file of @size bytes, all zero. */
static inline const char *scratch_file(struct scratch *s, const char *name, u64 size)
{
	const char *p = scratch_path(s, name);
	int fd = open(p, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	(void)close(fd);
	return p;
}

static inline void scratch_done(struct scratch *s)
{
	for (u32 i = 0; i < s->nr; i++)
		(void)remove(s->path[i]);
	(void)rmdir(s->dir);
}

#endif /* TESTS_UNIT_SCRATCH_H */
