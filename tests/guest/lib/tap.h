/* SPDX-License-Identifier: MIT */
#ifndef GUEST_TAP_H
#define GUEST_TAP_H

#include "types.h"

/**
 * check - one TAP line
 * @ok:  whether the sentence is true
 * @fmt: the sentence, as for print()
 *
 * Return: @ok.
 */
bool check(bool ok, const char *fmt, ...) printf_like(2, 3);

/** skip - a TAP line for a @sentence that cannot be tried here, for @reason */
void skip(const char *sentence, const char *reason);

/** tap_done - print the plan and power the machine off */
noreturn void tap_done(void);

#endif
