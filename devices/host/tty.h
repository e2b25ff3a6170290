/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_HOST_TTY_H
#define DEVICES_HOST_TTY_H

#include "machine/base/compiler.h"
#include "machine/base/types.h"

/*
 * The one terminal of the process that is in raw mode, and its way back.
 */

/*
 * Are we to read from this terminal and set its mode? False for a background
 * job, which SIGTTIN or SIGTTOU would stop. True for what has no job control.
 */
bool tty_foreground(int fd);

/**
 * tty_raw - every key as it is typed, none of them a signal or an echo
 * @fd: a terminal, kept until tty_restore()
 *
 * The first call saves the mode, and sees to it that a signal that kills the
 * process (a fault, SIGABRT, SIGSYS; SIGHUP and SIGQUIT where nobody handles
 * them) restores it first and then does what it did before. Later calls for the
 * same terminal set raw mode again.
 *
 * Return: 0; -EBUSY when another terminal is raw; what tcgetattr() or
 * tcsetattr() answered.
 */
must_check int tty_raw(int fd);

/* Back to what it was. Does nothing unless @fd is the raw one. */
void tty_restore(int fd);

#endif /* DEVICES_HOST_TTY_H */
