/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_BASE_LOG_H
#define MACHINE_BASE_LOG_H

#include "machine/base/compiler.h"

/*
 * One line each on standard error, prefixed as kvmtool does it, so that scripts
 * written for either find the same words: "  Fatal: ", "  Warning: ", ...
 */
enum log_level {
	LOG_ERROR, /* the run cannot go on */
	LOG_WARN, /* the run goes on; says what was ignored */
	LOG_INFO, /* a few lines a run; off by default */
	LOG_DEBUG, /* off by default, free to use anywhere but on a hot path */
};

/* Before the first thread starts: the level is read without a lock ever after. */
void log_set_level(enum log_level lvl);

void log_at(enum log_level lvl, const char *fmt, ...) printf_like(2, 3);

/**
 * log_errno - say why something failed, once, and hand the error back
 * @err: negative errno; the text of it is added after the message
 * @fmt: what was being done, and to what, without a newline
 *
 * Return: @err, so that a caller can write `return log_errno(...)`.
 */
int log_errno(int err, const char *fmt, ...) printf_like(2, 3);

/**
 * log_refuse - say why something is not accepted, where errno has no words for it
 * @err: negative errno, handed back; its text is not printed
 * @fmt: the whole reason, naming the option or the file, without a newline
 *
 * Return: @err.
 */
int log_refuse(int err, const char *fmt, ...) printf_like(2, 3);

#endif /* MACHINE_BASE_LOG_H */
