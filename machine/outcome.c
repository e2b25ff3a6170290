/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "machine/outcome.h"

enum { RUNNING, CLAIMED, DECIDED };

void outcome_init(struct outcome *o)
{
	*o = (struct outcome){ .kind = OUTCOME_NONE };
	atomic_init(&o->state, RUNNING);
}

bool outcome_decide(struct outcome *o, enum outcome_kind kind, const char *fmt, ...)
{
	unsigned int expected = RUNNING;
	va_list ap;

	assert(kind != OUTCOME_NONE);
	if (!atomic_compare_exchange_strong_explicit(&o->state, &expected, CLAIMED,
	                                             memory_order_relaxed, memory_order_relaxed))
		return false;

	o->kind = kind;
	va_start(ap, fmt);
	(void)vsnprintf(o->reason, sizeof(o->reason), fmt, ap);
	va_end(ap);
	atomic_store_explicit(&o->state, DECIDED, memory_order_release);
	return true;
}

enum outcome_kind outcome_kind(const struct outcome *o)
{
	return atomic_load_explicit(&o->state, memory_order_acquire) == DECIDED ? o->kind
	                                                                        : OUTCOME_NONE;
}

int outcome_status(enum outcome_kind kind)
{
	static const int status[] = {
		[OUTCOME_NONE] = 125, /* not an end: we are wrong */
		[OUTCOME_POWER_OFF] = 0,  [OUTCOME_RESET] = 100, [OUTCOME_CRASH] = 102,
		[OUTCOME_OPERATOR] = 105, [OUTCOME_HOST] = 125,  [OUTCOME_USAGE] = 126,
	};

	return status[kind];
}

enum outcome_kind outcome_of_error(int err, bool asked)
{
	switch (-err) {
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case EIO:
	case ENOSPC:
	case EDQUOT:
		return OUTCOME_HOST;
	case E2BIG:
		return OUTCOME_USAGE;
	default:
		return asked ? OUTCOME_USAGE : OUTCOME_HOST;
	}
}
