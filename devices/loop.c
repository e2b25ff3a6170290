/* SPDX-License-Identifier: MIT */
#include "devices/loop.h"

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "machine/base/own.h"

enum {
	SQ_DEPTH = 256, /* queued between two system calls */
	CQ_DEPTH = 2048, /* more than a machine has in flight; the kernel keeps what overflows */
};

/*
 *   IDLE --queue--> FLYING --loop_cancel()--> ENDING
 *     ^                |                        |
 *     |                +---- completion --------+--> READY
 *     +------------------------- done() ----------------'
 *
 * Each state but IDLE is a list in struct loop.
 */
enum op_state { OP_IDLE, OP_FLYING, OP_ENDING, OP_READY };

struct loop {
	struct io_uring ring;
	struct loop_link flying, ending, ready;
	size_t owed; /* ops on the three lists: done() calls to come */
	int err; /* something that must be queued was not: the ring cannot be trusted */
	bool closed;
};

static void list_init(struct loop_link *head)
{
	head->next = head->prev = head;
}

static bool list_empty(const struct loop_link *head)
{
	return head->next == head;
}

static struct loop_op *list_first(const struct loop_link *head)
{
	return container_of(head->next, struct loop_op, link);
}

static void list_add(struct loop_link *head, struct loop_op *op)
{
	op->link = (struct loop_link){ .next = head, .prev = head->prev };
	head->prev->next = &op->link;
	head->prev = &op->link;
}

static void list_del(struct loop_op *op)
{
	op->link.next->prev = op->link.prev;
	op->link.prev->next = op->link.next;
}

static void move(struct loop_op *op, struct loop_link *to, enum op_state state)
{
	list_del(op);
	list_add(to, op);
	op->state = (u8)state;
}

/*
 * Completions are worked off by the thread that asks for them, inside the wait
 * (6.1), or at least without an interrupt to get its attention (5.19); one bad
 * entry does not hold up those behind it (5.18). Older kernels do without.
 */
static int ring_init(struct io_uring *ring)
{
	static const unsigned int flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,
		0,
	};
	const unsigned int need = IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |
	                          IORING_FEAT_RW_CUR_POS | IORING_FEAT_FAST_POLL;
	struct io_uring_params p = { 0 };
	int err = -EINVAL;

	for (size_t i = 0; i < ARRAY_SIZE(flags) && err == -EINVAL; i++) {
		p = (struct io_uring_params){ .flags = flags[i] | IORING_SETUP_CQSIZE,
			                      .cq_entries = CQ_DEPTH };
		err = io_uring_queue_init_params(SQ_DEPTH, ring, &p);
	}
	if (err == 0 && (p.features & need) != need) {
		io_uring_queue_exit(ring);
		err = -ENOSYS;
	}
	return err;
}

int loop_create(struct loop **out)
{
	struct loop *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;

	err = ring_init(&l->ring);
	if (err < 0) {
		free(l);
		return err;
	}
	list_init(&l->flying);
	list_init(&l->ending);
	list_init(&l->ready);
	*out = l;
	return 0;
}

void loop_destroy(struct loop *l)
{
	if (!l)
		return;
	assert(!l->owed);
	io_uring_queue_exit(&l->ring);
	free(l);
}

/* Empty the completion queue; the done() calls come later, so this is good anywhere. */
static void reap(struct loop *l)
{
	struct io_uring_cqe *cqe;

	while (io_uring_peek_cqe(&l->ring, &cqe) == 0) {
		struct loop_op *op = io_uring_cqe_get_data(cqe);
		int res = cqe->res;

		io_uring_cqe_seen(&l->ring, cqe);
		if (!op)
			continue; /* what a cancellation itself came to */
		op->res = op->timer && res == -ETIME ? 0 : res;
		move(op, &l->ready, OP_READY);
	}
}

static int get_sqe(struct loop *l, struct io_uring_sqe **out)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&l->ring);
	int err = 0;

	if (!sqe) {
		err = io_uring_submit(&l->ring);
		if (err < 0) {
			/* Kernels before 5.19 take nothing while completions overflow. */
			reap(l);
			err = io_uring_submit(&l->ring);
		}
		sqe = io_uring_get_sqe(&l->ring);
	}
	if (!sqe)
		return err == -ENOMEM ? -ENOMEM : -EAGAIN;
	*out = sqe;
	return 0;
}

static int begin(struct loop *l, const struct loop_op *op, struct io_uring_sqe **out)
{
	assert(op->state == OP_IDLE);
	if (l->closed)
		return -ESHUTDOWN;
	return get_sqe(l, out);
}

static int launch(struct loop *l, struct loop_op *op, struct io_uring_sqe *sqe)
{
	io_uring_sqe_set_data(sqe, op);
	op->state = OP_FLYING;
	op->timer = sqe->opcode == IORING_OP_TIMEOUT;
	list_add(&l->flying, op);
	l->owed++;
	return 0;
}

int loop_read(struct loop *l, struct loop_op *op, int fd, void *buf, u32 len, u64 off)
{
	struct io_uring_sqe *sqe;
	int err = begin(l, op, &sqe);

	if (err < 0)
		return err;
	io_uring_prep_read(sqe, fd, buf, len, off);
	return launch(l, op, sqe);
}

int loop_write(struct loop *l, struct loop_op *op, int fd, const void *buf, u32 len, u64 off)
{
	struct io_uring_sqe *sqe;
	int err = begin(l, op, &sqe);

	if (err < 0)
		return err;
	io_uring_prep_write(sqe, fd, buf, len, off);
	return launch(l, op, sqe);
}

int loop_readv(struct loop *l, struct loop_op *op, int fd, const struct iovec *iov, u32 nr, u64 off)
{
	struct io_uring_sqe *sqe;
	int err = begin(l, op, &sqe);

	if (err < 0)
		return err;
	io_uring_prep_readv(sqe, fd, iov, nr, off);
	return launch(l, op, sqe);
}

int loop_writev(struct loop *l, struct loop_op *op, int fd, const struct iovec *iov, u32 nr,
                u64 off)
{
	struct io_uring_sqe *sqe;
	int err = begin(l, op, &sqe);

	if (err < 0)
		return err;
	io_uring_prep_writev(sqe, fd, iov, nr, off);
	return launch(l, op, sqe);
}

int loop_fdatasync(struct loop *l, struct loop_op *op, int fd)
{
	struct io_uring_sqe *sqe;
	int err = begin(l, op, &sqe);

	if (err < 0)
		return err;
	io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
	return launch(l, op, sqe);
}

int loop_poll(struct loop *l, struct loop_op *op, int fd, u32 events)
{
	struct io_uring_sqe *sqe;
	int err = begin(l, op, &sqe);

	if (err < 0)
		return err;
	io_uring_prep_poll_add(sqe, fd, events);
	return launch(l, op, sqe);
}

static int timeout(struct loop *l, struct loop_op *op, u64 ns, unsigned int flags)
{
	struct io_uring_sqe *sqe;
	int err = begin(l, op, &sqe);

	if (err < 0)
		return err;
	op->ts.tv_sec = (s64)(ns / 1000000000);
	op->ts.tv_nsec = (s64)(ns % 1000000000);
	io_uring_prep_timeout(sqe, &op->ts, 0, flags);
	return launch(l, op, sqe);
}

int loop_timeout(struct loop *l, struct loop_op *op, u64 ns)
{
	return timeout(l, op, ns, 0);
}

int loop_timeout_at(struct loop *l, struct loop_op *op, u64 ns)
{
	return timeout(l, op, ns, IORING_TIMEOUT_ABS | IORING_TIMEOUT_REALTIME);
}

/* Queued after the op itself, so the kernel sees the two in the right order. */
static int cancel(struct loop *l, struct loop_op *op)
{
	struct io_uring_sqe *sqe;
	int err = get_sqe(l, &sqe);

	if (err < 0)
		return err;
	io_uring_prep_cancel(sqe, op, 0);
	io_uring_sqe_set_data(sqe, NULL);
	if (op->state == OP_FLYING) /* get_sqe() may have found it completed */
		move(op, &l->ending, OP_ENDING);
	return 0;
}

void loop_cancel(struct loop *l, struct loop_op *op)
{
	int err;

	if (op->state != OP_FLYING)
		return;
	err = cancel(l, op);
	if (err < 0)
		l->err = err; /* the owner waits for a done() that may never come */
}

static int run_ready(struct loop *l)
{
	int n = 0;

	while (!list_empty(&l->ready)) {
		struct loop_op *op = list_first(&l->ready);

		list_del(op);
		op->state = OP_IDLE;
		l->owed--;
		n++;
		op->done(op, op->res);
	}
	return n;
}

static int turn_once(struct loop *l)
{
	int err = io_uring_submit_and_wait(&l->ring, list_empty(&l->ready));

	reap(l);
	if (err < 0 && err != -EINTR && list_empty(&l->ready))
		return err;
	return run_ready(l);
}

int loop_turn(struct loop *l)
{
	int n = 0;

	/* Only what a cancellation itself came to: that is nobody's completion. */
	while (n == 0 && l->owed)
		n = l->err ? l->err : turn_once(l);
	return n;
}

/* Nothing will come from the ring any more. */
static void fail_all(struct loop *l, int err)
{
	struct loop_link *const from[] = { &l->flying, &l->ending };

	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		while (!list_empty(from[i])) {
			struct loop_op *op = list_first(from[i]);

			op->res = err;
			move(op, &l->ready, OP_READY);
		}
	}
	(void)run_ready(l);
}

void loop_quiesce(struct loop *l)
{
	l->closed = true;
	while (l->owed) {
		int n = 0;

		/* One by one: IORING_ASYNC_CANCEL_ANY is not there before 5.19. */
		while (n == 0 && !list_empty(&l->flying))
			n = cancel(l, list_first(&l->flying));
		n = turn_once(l);
		if (n < 0 && n != -EAGAIN && n != -EBUSY && n != -ENOMEM)
			fail_all(l, n);
	}
}

static int event_arm(struct loop_event *ev)
{
	return loop_read(ev->loop, &ev->op, ev->fd, &ev->count, sizeof(ev->count), LOOP_NO_OFFSET);
}

static void event_done(struct loop_op *op, int res)
{
	struct loop_event *ev = container_of(op, struct loop_event, op);
	int err;

	if (res == -ECANCELED)
		return;
	err = res < 0 && res != -EINTR ? res : event_arm(ev);
	if (err < 0 && err != -ESHUTDOWN)
		ev->loop->err = err; /* a bell that nobody hears */
	if (res > 0)
		ev->fire(ev);
}

int loop_event_init(struct loop *l, struct loop_event *ev, void (*fire)(struct loop_event *ev))
{
	/* Blocking: on older kernels a read of any other ends at once with -EAGAIN. */
	auto_fd fd = eventfd(0, EFD_CLOEXEC);
	int err;

	*ev = (struct loop_event){ .op.done = event_done, .loop = l, .fd = -1, .fire = fire };
	if (fd < 0)
		return -errno;

	ev->fd = fd;
	err = event_arm(ev);
	if (err < 0) {
		ev->fd = -1;
		return err;
	}
	ev->fd = take_fd(&fd);
	return 0;
}

void loop_event_done(struct loop_event *ev)
{
	close_fdp(&ev->fd);
	ev->fd = -1;
}

void loop_event_signal(struct loop_event *ev)
{
	static const u64 one = 1;

	/* Blocks only with 2^64 - 2 rings unheard. */
	(void)!write(ev->fd, &one, sizeof(one));
}
