/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CAUGHT_H
#define TESTS_UNIT_CAUGHT_H

#include "tests/unit/test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * What goes to standard error between two points: what a user would read, and
 * kept out of the test's own output.
 */
struct caught {
	int was, file; /* the real standard error, and what stands for it */
	off_t seen; /* bytes that caught_text() has shown */
	char text[16384];
};

static inline void caught_begin(struct caught *c)
{
	c->seen = 0;
	c->was = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	c->file = memfd_create("caught", MFD_CLOEXEC);
	assert_true(c->was >= 0 && c->file >= 0 && dup2(c->file, STDERR_FILENO) >= 0);
	/* As a terminal or a pipe does it: lines of two threads do not overwrite each other. */
	assert_int_equal(fcntl(c->file, F_SETFL, O_APPEND), 0);
}

/* What was logged since the last time, "" for nothing. */
static inline const char *caught_text(struct caught *c)
{
	ssize_t n = pread(c->file, c->text, sizeof(c->text) - 1, c->seen);

	c->text[n > 0 ? n : 0] = '\0';
	c->seen += n > 0 ? n : 0;
	return c->text;
}

/* Return: how many lines there were; they are in c->text. */
static inline size_t caught_end(struct caught *c)
{
	size_t lines = 0;

	c->seen = 0;
	for (const char *p = caught_text(c); (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	(void)dup2(c->was, STDERR_FILENO);
	(void)close(c->was);
	(void)close(c->file);
	return lines;
}

/* For tests that look at it from beginning to end: the state is a struct caught. */
static inline int caught_setup(void **state)
{
	*state = test_calloc(1, sizeof(struct caught));
	caught_begin(*state);
	return 0;
}

static inline int caught_teardown(void **state)
{
	(void)caught_end(*state);
	test_free(*state);
	return 0;
}

/* A refusal as the user sees it: one line that says so, and nothing behind it. */
static inline bool caught_one_line(const char *text)
{
	const char *end = strchr(text, '\n');

	return strncmp(text, "  Fatal: ", 9) == 0 && end && end[1] == '\0';
}

#endif /* TESTS_UNIT_CAUGHT_H */
