/* SPDX-License-Identifier: MIT */
#ifndef VCPU_KICK_H
#define VCPU_KICK_H

#include "machine/base/compiler.h"

/*
 * What makes a thread's system call return -EINTR, KVM_RUN above all, and costs
 * about a third of a signal: no frame is built and no handler runs, no other
 * thread looks whether the signal was for it (a signalfd is woken by every
 * signal of the process).
 *
 * The thread has an io_uring of its own with one request, a poll of an eventfd
 * that stays. Whoever writes to the eventfd completes it, and the completion is
 * work for that thread, which the kernel interrupts for it as for a signal
 * (TIF_NOTIFY_SIGNAL). Work that comes while the thread is not in a system call
 * is done at once and leaves nothing pending: the sender says so in memory first
 * (immediate_exit of struct kvm_run), which KVM_RUN looks at when it begins.
 */
struct kick;

/* @out: owned by the caller, released with kick_destroy(). Return: 0 or negative errno. */
must_check int kick_create(struct kick **out);
/* No thread listens any more, or sends. NULL is fine. */
void kick_destroy(struct kick *k);

/* From now on it reaches the calling thread. Return: 0, or negative errno: -EINVAL before Linux 5.13. */
must_check int kick_listen(struct kick *k);

/* Any thread. */
void kick_send(struct kick *k);

/**
 * kick_heard - forget what has come
 * @k: on the thread that listens, after each system call that a kick is to end
 *
 * Two loads when nothing has; no system call, but in the rare case that the poll
 * must be made anew. Until it is, a kick sets nothing but the sender's own mark.
 *
 * Return: 0 or negative errno: nobody could kick it any more.
 */
must_check int kick_heard(struct kick *k);

#endif /* VCPU_KICK_H */
