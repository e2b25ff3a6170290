/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_LOOP_H
#define DEVICES_LOOP_H

#include <linux/time_types.h>
#include <sys/uio.h>

#include "machine/base/compiler.h"
#include "machine/base/types.h"

/*
 * The event loop: all host I/O of a machine, on one io_uring, on the main
 * thread. Everything here is for that thread, except loop_event_signal().
 */
struct loop;

struct loop_link {
	struct loop_link *next, *prev;
};

/*
 * One I/O in flight. Its owner embeds it and keeps it, the buffer and the iovec
 * where they are until done() has run; done() runs exactly once, on the loop's
 * thread, and may queue again, the same op included. An op is in flight at most
 * once at a time, and all zero but for done before its first time.
 */
struct loop_op {
	void (*done)(struct loop_op *op, int res); /* res: bytes or 0, or negative errno */

	/* The loop's own. */
	struct loop_link link;
	struct __kernel_timespec ts; /* read by the kernel some time after loop_timeout() */
	int res;
	u8 state;
	bool timer;
};

/* Position for loop_read() and loop_write() on what has none: pipes, terminals, eventfds. */
#define LOOP_NO_OFFSET (~0ull)

/**
 * loop_create - set up the ring
 * @out: the loop, owned by the caller, released with loop_destroy()
 *
 * Return: 0; -ENOMEM; -EPERM where io_uring is forbidden (sysctl, seccomp),
 * -ENOSYS where the kernel has none.
 */
must_check int loop_create(struct loop **out);

/* Nothing may be in flight: loop_quiesce() first. NULL is fine. */
void loop_destroy(struct loop *l);

/*
 * Queue one operation. Return: 0 and done() will run; or a negative errno and
 * it will not: -ESHUTDOWN after loop_quiesce() began, -EAGAIN or -ENOMEM when
 * the kernel takes no more.
 */
must_check int loop_read(struct loop *l, struct loop_op *op, int fd, void *buf, u32 len, u64 off);
must_check int loop_write(struct loop *l, struct loop_op *op, int fd, const void *buf, u32 len,
                          u64 off);
must_check int loop_readv(struct loop *l, struct loop_op *op, int fd, const struct iovec *iov,
                          u32 nr, u64 off);
must_check int loop_writev(struct loop *l, struct loop_op *op, int fd, const struct iovec *iov,
                           u32 nr, u64 off);
must_check int loop_fdatasync(struct loop *l, struct loop_op *op, int fd);

/* Once, when @fd is ready for one of @events (POLLIN, ...); res is the poll mask. */
must_check int loop_poll(struct loop *l, struct loop_op *op, int fd, u32 events);

/* Once, after @ns nanoseconds; res is 0 when the time is over. */
must_check int loop_timeout(struct loop *l, struct loop_op *op, u64 ns);

/*
 * Once, when the time of day is @ns nanoseconds after 1970-01-01T00:00Z or
 * later, also when somebody sets it to that. Likewise.
 */
must_check int loop_timeout_at(struct loop *l, struct loop_op *op, u64 ns);

/*
 * Ask that an operation end early. Its done() still runs once, with -ECANCELED
 * or with what it came to. An op that is not in flight is left alone.
 */
void loop_cancel(struct loop *l, struct loop_op *op);

/**
 * loop_turn - wait for one completion at least and run all that are there
 *
 * A done() may turn the loop itself, if it can bear to see other ones run.
 *
 * Return: how many ran, 0 only when nothing was in flight, or a negative errno
 * from the ring. A signal does not end the wait.
 */
must_check int loop_turn(struct loop *l);

/*
 * The end: refuse what is new, cancel what is in flight, and run every done()
 * that is still owed. Nothing is in flight afterwards. Not from a done().
 * Should the ring itself be broken, what is left ends with the ring's error.
 */
void loop_quiesce(struct loop *l);

/*
 * A bell that any thread can ring, KVM (ioeventfd) included. fire() runs on the
 * loop's thread at least once after the last ring; rings before it ran may be
 * folded into one. A ring that loop_quiesce() overtakes may go unheard.
 */
struct loop_event {
	struct loop_op op;
	struct loop *loop;
	int fd; /* eventfd; what KVM_IOEVENTFD takes */
	u64 count; /* where the eventfd is read to */
	void (*fire)(struct loop_event *ev);
};

/* @ev stays where it is until loop_event_done(). Return: 0 or a negative errno. */
must_check int loop_event_init(struct loop *l, struct loop_event *ev,
                               void (*fire)(struct loop_event *ev));
/* After loop_quiesce(), or when loop_event_init() failed; an all-zero event with fd -1 is fine. */
void loop_event_done(struct loop_event *ev);

/* Any thread, never blocks. */
void loop_event_signal(struct loop_event *ev);

#endif /* DEVICES_LOOP_H */
