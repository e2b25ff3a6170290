/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CAUGHT_H
#define TESTS_UNIT_CAUGHT_H

#include "tests/unit/test.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Standard error goes into a pipe for as long as a test looks at it. */
struct caught {
	int was, from;
	char text[16384];
};

static inline int caught_setup(void **state)
{
	struct caught *c = test_calloc(1, sizeof(*c));
	int fd[2];

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	c->was = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	c->from = fd[0];
	if (c->was < 0 || dup2(fd[1], STDERR_FILENO) < 0)
		return -1;
	(void)close(fd[1]);
	*state = c;
	return 0;
}

static inline int caught_teardown(void **state)
{
	struct caught *c = *state;

	(void)dup2(c->was, STDERR_FILENO);
	(void)close(c->was);
	(void)close(c->from);
	test_free(c);
	return 0;
}

/* What was logged since the last time, "" for nothing. */
static inline const char *caught_text(struct caught *c)
{
	ssize_t n = read(c->from, c->text, sizeof(c->text) - 1);

	c->text[n > 0 ? n : 0] = '\0';
	return c->text;
}

/* A refusal as the user sees it: one line that says so, and nothing behind it. */
static inline bool caught_one_line(const char *text)
{
	const char *end = strchr(text, '\n');

	return strncmp(text, "  Fatal: ", 9) == 0 && end && end[1] == '\0';
}

#endif /* TESTS_UNIT_CAUGHT_H */
