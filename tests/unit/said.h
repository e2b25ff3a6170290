/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SAID_H
#define TESTS_UNIT_SAID_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/base/types.h"

/*
 * What goes to standard error between two points: what the user would read, and
 * kept out of the test's own output.
 */
struct said {
	int kept, file; /* the real standard error, and what stands for it */
	char text[4096];
};

static inline struct said said_begin(void)
{
	struct said s = { .kept = dup(STDERR_FILENO), .file = memfd_create("said", MFD_CLOEXEC) };

	if (s.kept < 0 || s.file < 0 || dup2(s.file, STDERR_FILENO) < 0)
		abort();
	return s;
}

/* Return: how many lines; the text of them is in @s->text. */
static inline size_t said_end(struct said *s)
{
	ssize_t n = pread(s->file, s->text, sizeof(s->text) - 1, 0);
	size_t lines = 0;

	if (n < 0 || dup2(s->kept, STDERR_FILENO) < 0)
		abort();
	s->text[n] = '\0';
	(void)close(s->kept);
	(void)close(s->file);
	for (const char *p = s->text; (p = strchr(p, '\n')); p++)
		lines++;
	return lines;
}

#endif /* TESTS_UNIT_SAID_H */
