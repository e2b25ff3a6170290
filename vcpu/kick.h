/* SPDX-License-Identifier: MIT */
#ifndef VCPU_KICK_H
#define VCPU_KICK_H

#include "machine/base/compiler.h"

/*
 * What makes a thread's system call return -EINTR, KVM_RUN above all.
 *
 * The thread has an io_uring of its own with one request, a poll of an eventfd
 * that stays. Whoever writes to the eventfd completes it, and the completion is
 * work for that thread, which the kernel interrupts for it as for a signal
 * (TIF_NOTIFY_SIGNAL). That costs about a third of a signal: no frame is built
 * and no handler runs, and the loop's signalfd, which every signal of the process
 * wakes, sleeps on. Before Linux 5.19 it is a signal.
 *
 * Either that comes while the thread is not in a system call leaves nothing
 * behind: the sender says so in memory first (immediate_exit of struct kvm_run),
 * which KVM_RUN looks at when it begins.
 */
struct kick;

enum kick_way {
	KICK_BEST, /* by a poll, where KVM_RUN heeds that */
	KICK_BY_SIGNAL, /* SIGRTMIN, whose handler it sets */
};

/* @out: owned by the caller, released with kick_destroy(). Return: 0 or negative errno. */
must_check int kick_create(enum kick_way way, struct kick **out);
/* No thread listens any more, or sends. NULL is fine. */
void kick_destroy(struct kick *k);

/* From now on it reaches the calling thread. Return: 0 or negative errno. */
must_check int kick_listen(struct kick *k);

/* Any thread, once kick_listen() has been and until its thread is joined. */
void kick_send(struct kick *k);

/**
 * kick_heard - forget what has come
 * @k: on the thread that listens, after each system call that a kick is to end
 *
 * Two loads when nothing has; no system call, but in the rare case that the poll
 * must be made anew. Until it is, a kick sets nothing but the sender's own mark.
 *
 * Return: 0 or negative errno: nobody can kick it any more.
 */
must_check int kick_heard(struct kick *k);

#endif /* VCPU_KICK_H */
