/* SPDX-License-Identifier: MIT */
#include "vcpu/kick.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "machine/base/lock.h"
#include "machine/base/types.h"

/* Completions that nobody has looked at: more than can ask for one thread at a time. */
enum { ENTRIES = 1, COMPLETIONS = 64 };

struct kick {
	struct io_uring ring;
	int fd;
	bool listening; /* the poll is there; the listener's */
};

/* No IORING_SETUP_COOP_TASKRUN: the work would wait for the thread's next system call. */
static int ring_up(struct kick *k)
{
	struct io_uring_params p = { .flags = IORING_SETUP_CQSIZE, .cq_entries = COMPLETIONS };

	return io_uring_queue_init_params(ENTRIES, &k->ring, &p);
}

int kick_create(struct kick **out)
{
	struct kick *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	k->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = k->fd < 0 ? -errno : ring_up(k);
	if (err < 0) {
		if (k->fd >= 0)
			(void)close(k->fd);
		free(k);
		return err;
	}
	*out = k;
	return 0;
}

void kick_destroy(struct kick *k)
{
	if (!k)
		return;
	io_uring_queue_exit(&k->ring);
	(void)close(k->fd);
	free(k);
}

/* What has come; an error of the poll's ends it. */
static int reap(struct kick *k)
{
	struct io_uring_cqe *cqe;
	int err = 0;

	while (err == 0 && io_uring_peek_cqe(&k->ring, &cqe) == 0) {
		if (cqe->res < 0)
			err = cqe->res;
		k->listening = k->listening && (cqe->flags & IORING_CQE_F_MORE);
		io_uring_cqe_seen(&k->ring, cqe);
	}
	return err;
}

/* A kernel that does not know such a poll says so at once. */
int kick_listen(struct kick *k)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&k->ring);
	int n;

	if (!sqe)
		return -EBUSY;
	io_uring_prep_poll_multishot(sqe, k->fd, POLLIN);
	n = io_uring_submit(&k->ring);
	if (n < 0)
		return n;
	k->listening = true;
	return reap(k);
}

/* Never read, so it counts up; in 500 years it is full. */
void kick_send(struct kick *k)
{
	const u64 one = 1;

	must0(write(k->fd, &one, sizeof(one)) != (ssize_t)sizeof(one));
}

/* The poll ends by itself when nobody has looked for too long. */
int kick_heard(struct kick *k)
{
	int err;

	if (io_uring_cq_ready(&k->ring) == 0 && k->listening)
		return 0;
	err = reap(k);
	while (err == 0 && !k->listening)
		err = kick_listen(k);
	return err;
}
