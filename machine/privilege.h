/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_PRIVILEGE_H
#define MACHINE_PRIVILEGE_H

#include "machine/base/compiler.h"

/*
 * What roost gives up between set-up and the first guest instruction. Threads
 * inherit it: before the first of them starts.
 */

/* Descriptors above standard error that roost was started with. */
enum { PRIVILEGE_INHERITED_MAX = 1024 }; /* the usual limit of open files */
struct privilege_inherited {
	int fd[PRIVILEGE_INHERITED_MAX];
	unsigned int nr;
};

/* Before the first file is opened: what is open now is not ours. */
void privilege_note_inherited(struct privilege_inherited *in);

/**
 * privilege_drop - every capability, new privileges, and inherited descriptors
 * @in: what privilege_note_inherited() found; closed
 *
 * prctl(2) PR_SET_NO_NEW_PRIVS, capabilities(7).
 *
 * Return: 0, or a negative errno with the reason logged.
 */
must_check int privilege_drop(const struct privilege_inherited *in);

#endif /* MACHINE_PRIVILEGE_H */
