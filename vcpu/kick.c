/* SPDX-License-Identifier: MIT */
#include "vcpu/kick.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "machine/base/compiler.h"
#include "machine/base/types.h"

/*
 * Completions that nobody has looked at: one for each event that is posted while
 * the thread is in its system call, and a late one for each who kicks.
 */
enum { ENTRIES = 1, COMPLETIONS = 64 };

struct kick {
	bool by_signal;
	pthread_t thread; /* by signal: who listens */
	struct io_uring ring;
	int fd;
	bool listening; /* the poll is there; the listener's */
};

/*
 * Until Linux 5.19, arm64's KVM_RUN does such work and goes on with the guest.
 * IORING_SETUP_SQE128 came with it, and is there for that only: an older kernel
 * answers -EINVAL.
 */
static int ring_up(struct kick *k)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SQE128,
		.cq_entries = COMPLETIONS,
	};
	int err;

	k->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->fd < 0)
		return -errno;
	err = io_uring_queue_init_params(ENTRIES, &k->ring, &p);
	if (err < 0)
		(void)close(k->fd);
	return err;
}

/* A signal without a handler would end us, and one that is ignored ends no system call. */
static void on_signal(int sig)
{
}

static int signal_up(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	(void)sigemptyset(&sa.sa_mask);
	return sigaction(SIGRTMIN, &sa, NULL) < 0 ? -errno : 0;
}

int kick_create(enum kick_way way, struct kick **out)
{
	struct kick *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	err = way == KICK_BY_SIGNAL ? -EINVAL : ring_up(k);
	k->by_signal = err == -EINVAL;
	if (k->by_signal)
		err = signal_up();
	if (err < 0) {
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
	if (!k->by_signal) {
		io_uring_queue_exit(&k->ring);
		(void)close(k->fd);
	}
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

/* The kernel may have no memory for it just now, or a signal to deliver: it stays in the ring. */
static int submit(struct kick *k)
{
	int n;

	do
		n = io_uring_submit(&k->ring);
	while (n == 0 || n == -EAGAIN || n == -EINTR);
	return n < 0 ? n : 0;
}

static int listen_for_poll(struct kick *k)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&k->ring);
	int err;

	if (!sqe)
		return -EBUSY;
	io_uring_prep_poll_multishot(sqe, k->fd, POLLIN);
	err = submit(k);
	if (err < 0)
		return err;
	k->listening = true;
	return reap(k);
}

int kick_listen(struct kick *k)
{
	sigset_t set;

	if (!k->by_signal)
		return listen_for_poll(k);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGRTMIN);
	k->thread = pthread_self();
	k->listening = true;
	return -pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void kick_send(struct kick *k)
{
	const u64 one = 1;
	int err;

	if (k->by_signal) {
		err = pthread_kill(k->thread, SIGRTMIN);
		/* What an ended thread, not joined yet, answers before glibc 2.34. */
		must0(err == ESRCH ? 0 : err);
	} else {
		/* Never read, so it counts up; in 500 years it is full. */
		must0(write(k->fd, &one, sizeof(one)) != (ssize_t)sizeof(one));
	}
}

/* The poll ends by itself when nobody has looked for too long. */
int kick_heard(struct kick *k)
{
	int err;

	if (k->by_signal || (k->listening && io_uring_cq_ready(&k->ring) == 0))
		return 0;
	err = reap(k);
	while (err == 0 && !k->listening)
		err = listen_for_poll(k);
	return err;
}
