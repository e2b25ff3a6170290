/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_BASE_OWN_H
#define MACHINE_BASE_OWN_H

#include <stdlib.h>
#include <unistd.h>

#include "machine/base/compiler.h"

static inline void close_fdp(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void freep(void *p)
{
	free(*(void **)p);
}

/* Give up ownership: the end of the scope will not release what was taken. */
static inline int take_fd(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

static inline void *take_ptr_(void **p)
{
	void *r = *p;

	*p = NULL;
	return r;
}

#define take_ptr(p) ((__typeof__(*(p)))take_ptr_((void **)(p)))

#define auto_fd   cleanup(close_fdp) int
#define auto_free cleanup(freep)

#endif /* MACHINE_BASE_OWN_H */
