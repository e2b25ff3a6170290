/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_OUTCOME_H
#define MACHINE_OUTCOME_H

#include <stdatomic.h>

#include "machine/base/compiler.h"
#include "machine/base/types.h"

/* Why a machine ended; the exit statuses of roost(1). */
enum outcome_kind {
	OUTCOME_NONE, /* it runs */
	OUTCOME_POWER_OFF, /* 0 */
	OUTCOME_RESET, /* 100 */
	OUTCOME_CRASH, /* 102 */
	OUTCOME_OPERATOR, /* 105 */
	OUTCOME_HOST, /* 125 */
	OUTCOME_USAGE, /* 126 */
};

/*
 * One per machine. Of any number of threads that want to end it one wins, and
 * its reason is the one that is told:
 *
 *   RUNNING --(any thread, one compare-and-swap)--> CLAIMED --(the winner)--> DECIDED
 */
struct outcome {
	atomic_uint state;
	enum outcome_kind kind;
	char reason[160]; /* one line */
};

void outcome_init(struct outcome *o);

/**
 * outcome_decide - end the machine, unless it has been ended
 * @o:    any thread
 * @kind: not OUTCOME_NONE
 * @fmt:  why, one line without a newline
 *
 * Return: true for the one caller that decided.
 */
bool outcome_decide(struct outcome *o, enum outcome_kind kind, const char *fmt, ...)
	printf_like(3, 4);

/* OUTCOME_NONE until the winner's reason can be read. */
enum outcome_kind outcome_kind(const struct outcome *o);

/* What roost exits with. */
int outcome_status(enum outcome_kind kind);

/**
 * outcome_of_error - whose fault it is that a machine could not be built
 * @err:   the negative errno of the step that failed
 * @asked: the step looks at what the command line names, else at the host
 *
 * Return: OUTCOME_USAGE or OUTCOME_HOST. A step of the first kind can still
 * fail for want of memory, descriptors or room on a working disk; one of the
 * second with -E2BIG, for more than this host has of what was asked for.
 */
enum outcome_kind outcome_of_error(int err, bool asked);

#endif /* MACHINE_OUTCOME_H */
