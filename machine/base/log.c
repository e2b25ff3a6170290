/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "machine/base/log.h"

static const char *const level_name[] = {
	[LOG_ERROR] = "Fatal",
	[LOG_WARN] = "Warning",
	[LOG_INFO] = "Info",
	[LOG_DEBUG] = "Debug",
};

/* Allowed at file scope by CONTRIBUTING.md: a log line must be possible anywhere. */
static _Atomic(enum log_level) log_level = LOG_WARN;

void log_set_level(enum log_level lvl)
{
	atomic_store_explicit(&log_level, lvl, memory_order_relaxed);
}

/* A file's name may hold what ends a line or talks to a terminal. */
static void tame(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

static void emit(enum log_level lvl, int err, const char *fmt, va_list ap) printf_like(3, 0);

/* One write(2) a line: lines of two threads do not mix, and nothing is left in a buffer. */
static void emit(enum log_level lvl, int err, const char *fmt, va_list ap)
{
	char msg[1024], line[1200];
	int n;

	if (lvl > atomic_load_explicit(&log_level, memory_order_relaxed))
		return;

	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	tame(msg);
	if (err < 0)
		n = snprintf(line, sizeof(line), "  %s: %s: %s\n", level_name[lvl], msg,
		             strerror(-err));
	else
		n = snprintf(line, sizeof(line), "  %s: %s\n", level_name[lvl], msg);
	if (n > 0)
		(void)!write(STDERR_FILENO, line, (size_t)n);
}

void log_at(enum log_level lvl, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(lvl, 0, fmt, ap);
	va_end(ap);
}

int log_errno(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LOG_ERROR, err, fmt, ap);
	va_end(ap);
	return err;
}

int log_refuse(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LOG_ERROR, 0, fmt, ap);
	va_end(ap);
	return err;
}
