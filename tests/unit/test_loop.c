/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "devices/loop.h"
#include "machine/base/compiler.h"

/* One operation that remembers what it came to. */
struct io {
	struct loop_op op;
	int res;
	unsigned int calls;
};

static void io_done(struct loop_op *op, int res)
{
	struct io *io = container_of(op, struct io, op);

	io->res = res;
	io->calls++;
}

static const struct io fresh = { .op.done = io_done };

static int loop_setup(void **state)
{
	struct loop *l = NULL;
	int err = loop_create(&l);

	if (err < 0)
		print_message("# no io_uring here: %s\n", strerror(-err));
	*state = l;
	return 0;
}

static int loop_teardown(void **state)
{
	if (*state)
		loop_quiesce(*state);
	loop_destroy(*state);
	return 0;
}

static struct loop *the_loop(void **state)
{
	if (!*state)
		skip_because(NO_IO_URING);
	return *state;
}

static void turn_until(struct loop *l, const unsigned int *count, unsigned int n)
{
	while (*count < n)
		assert_true(loop_turn(l) > 0);
}

static void make_pipe(int fd[2], int flags)
{
	assert_int_equal(pipe2(fd, O_CLOEXEC | flags), 0);
}

static void close2(const int fd[2])
{
	(void)close(fd[0]);
	(void)close(fd[1]);
}

static void done_gets_bytes_or_errno_and_runs_once(void **state)
{
	struct loop *l = the_loop(state);
	struct io good = fresh, bad = fresh;
	char buf[8];
	int fd[2];

	make_pipe(fd, 0);
	assert_int_equal(write(fd[1], "hello", 5), 5);
	assert_int_equal(loop_read(l, &good.op, fd[0], buf, sizeof(buf), LOOP_NO_OFFSET), 0);
	assert_int_equal(loop_read(l, &bad.op, -1, buf, sizeof(buf), 0), 0);
	turn_until(l, &good.calls, 1);
	turn_until(l, &bad.calls, 1);
	assert_int_equal(good.res, 5);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(bad.res, -EBADF);
	assert_int_equal(loop_turn(l), 0); /* nothing is in flight */
	assert_int_equal(good.calls + bad.calls, 2);
	close2(fd);
}

static void file_is_read_and_written_where_the_offset_says(void **state)
{
	struct loop *l = the_loop(state);
	struct io w1 = fresh, w2 = fresh, sync = fresh, r = fresh, past = fresh;
	int fd = memfd_create("disk", MFD_CLOEXEC);
	char a[4], b[4], buf[8];
	const struct iovec from[] = { { (char[]){ "cd" }, 2 }, { (char[]){ "ef" }, 2 } };
	const struct iovec to[] = { { a, 4 }, { b, 4 } };

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 8192), 0);
	assert_int_equal(loop_write(l, &w1.op, fd, "ab", 2, 4096), 0);
	assert_int_equal(loop_writev(l, &w2.op, fd, from, 2, 4098), 0);
	turn_until(l, &w1.calls, 1);
	turn_until(l, &w2.calls, 1);
	assert_int_equal(w1.res, 2);
	assert_int_equal(w2.res, 4);

	assert_int_equal(loop_fdatasync(l, &sync.op, fd), 0);
	assert_int_equal(loop_readv(l, &r.op, fd, to, 2, 4094), 0);
	assert_int_equal(loop_read(l, &past.op, fd, buf, sizeof(buf), 8192), 0);
	turn_until(l, &sync.calls, 1);
	turn_until(l, &r.calls, 1);
	turn_until(l, &past.calls, 1);
	assert_int_equal(sync.res, 0);
	assert_int_equal(r.res, 8);
	assert_memory_equal(a, "\0\0ab", 4);
	assert_memory_equal(b, "cdef", 4);
	assert_int_equal(past.res, 0);
	(void)close(fd);
}

static void poll_tells_once_what_is_ready(void **state)
{
	struct loop *l = the_loop(state);
	struct io in = fresh, out = fresh;
	int fd[2];

	make_pipe(fd, 0);
	assert_int_equal(loop_poll(l, &in.op, fd[0], POLLIN), 0);
	assert_int_equal(loop_poll(l, &out.op, fd[1], POLLOUT), 0);
	turn_until(l, &out.calls, 1);
	assert_int_equal(out.res, POLLOUT);
	assert_int_equal(in.calls, 0);
	assert_int_equal(write(fd[1], "x", 1), 1);
	turn_until(l, &in.calls, 1);
	assert_int_equal(in.res, POLLIN);
	assert_int_equal(loop_turn(l), 0);
	close2(fd);
}

static u64 now_ns(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static void timeouts_end_in_their_order_and_not_early(void **state)
{
	struct loop *l = the_loop(state);
	struct io late = fresh, soon = fresh;
	u64 start = now_ns();

	assert_int_equal(loop_timeout(l, &late.op, 30000000), 0);
	assert_int_equal(loop_timeout(l, &soon.op, 2000000), 0);
	turn_until(l, &soon.calls, 1);
	assert_true(now_ns() - start >= 2000000);
	assert_int_equal(soon.res, 0);
	turn_until(l, &late.calls, 1);
	assert_true(now_ns() - start >= 30000000);
	assert_int_equal(late.res, 0);
}

static void a_time_of_day_is_waited_for_and_one_that_is_over_is_not(void **state)
{
	struct loop *l = the_loop(state);
	struct io over = fresh, soon = fresh, hour = fresh;
	struct timespec ts;
	u64 now;

	assert_int_equal(clock_gettime(CLOCK_REALTIME, &ts), 0);
	now = (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
	assert_int_equal(loop_timeout_at(l, &hour.op, now + 3600ull * 1000000000), 0);
	assert_int_equal(loop_timeout_at(l, &soon.op, now + 20000000), 0);
	assert_int_equal(loop_timeout_at(l, &over.op, now - 1000000000), 0);
	turn_until(l, &over.calls, 1);
	assert_int_equal(over.res, 0);
	turn_until(l, &soon.calls, 1);
	assert_int_equal(soon.res, 0);
	assert_int_equal(hour.calls, 0);
	loop_cancel(l, &hour.op);
	turn_until(l, &hour.calls, 1);
	assert_int_equal(hour.res, -ECANCELED);
}

static void cancelled_op_is_done_once_and_others_stay(void **state)
{
	struct loop *l = the_loop(state);
	struct io read = fresh, poll = fresh, hour = fresh, other = fresh, idle = fresh;
	char buf[8], buf2[8];
	int fd[2], fd2[2];

	make_pipe(fd, 0);
	make_pipe(fd2, 0);
	assert_int_equal(loop_read(l, &read.op, fd[0], buf, sizeof(buf), LOOP_NO_OFFSET), 0);
	assert_int_equal(loop_poll(l, &poll.op, fd[0], POLLIN), 0);
	assert_int_equal(loop_timeout(l, &hour.op, 3600ull * 1000000000), 0);
	assert_int_equal(loop_read(l, &other.op, fd2[0], buf2, sizeof(buf2), LOOP_NO_OFFSET), 0);
	loop_cancel(l, &idle.op); /* never was in flight */
	loop_cancel(l, &read.op);
	loop_cancel(l, &read.op); /* once is enough, twice does no harm */
	loop_cancel(l, &poll.op);
	loop_cancel(l, &hour.op);
	turn_until(l, &read.calls, 1);
	turn_until(l, &poll.calls, 1);
	turn_until(l, &hour.calls, 1);
	assert_int_equal(read.res, -ECANCELED);
	assert_int_equal(poll.res, -ECANCELED);
	assert_int_equal(hour.res, -ECANCELED);

	assert_int_equal(write(fd2[1], "y", 1), 1);
	turn_until(l, &other.calls, 1);
	assert_int_equal(other.res, 1);
	loop_cancel(l, &other.op); /* is over */
	assert_int_equal(read.calls + poll.calls + hour.calls + other.calls, 4);
	assert_int_equal(idle.calls, 0);
	assert_int_equal(loop_turn(l), 0);
	close2(fd);
	close2(fd2);
}

static void op_that_had_its_result_before_the_cancel_keeps_it(void **state)
{
	struct loop *l = the_loop(state);
	struct io first = fresh, second = fresh;
	char buf[8], buf2[8];
	int fd[2];

	make_pipe(fd, 0);
	assert_int_equal(loop_read(l, &first.op, fd[0], buf, 1, LOOP_NO_OFFSET), 0);
	assert_int_equal(write(fd[1], "z", 1), 1);
	loop_cancel(l, &first.op);
	turn_until(l, &first.calls, 1);
	assert_true(first.res == 1 || first.res == -ECANCELED);

	/* A cancellation that came too late must not hit the next use of the op. */
	assert_int_equal(loop_read(l, &second.op, fd[0], buf2, 2, LOOP_NO_OFFSET), 0);
	assert_int_equal(write(fd[1], "zz", 2), 2);
	turn_until(l, &second.calls, 1);
	assert_true(second.res > 0);
	close2(fd);
}

/* Far more than the submission queue and the completion queue hold. */
enum { MANY = 6000 };

static void more_ops_than_any_queue_holds_all_complete(void **state)
{
	struct loop *l = the_loop(state);
	struct io *many = test_calloc(MANY, sizeof(*many));
	u8 *buf = test_calloc(MANY, 1);
	int fd = memfd_create("disk", MFD_CLOEXEC);
	unsigned int n = 0;

	assert_true(fd >= 0);
	for (u32 i = 0; i < MANY; i++) {
		u8 b = (u8)(i * 7);

		assert_int_equal(pwrite(fd, &b, 1, i), 1);
	}
	for (u32 i = 0; i < MANY; i++) {
		many[i].op.done = io_done;
		assert_int_equal(loop_read(l, &many[i].op, fd, buf + i, 1, i), 0);
	}
	while (n < MANY) {
		int r = loop_turn(l);

		assert_true(r > 0);
		n += (unsigned int)r;
	}
	assert_int_equal(n, MANY);
	for (u32 i = 0; i < MANY; i++) {
		if (many[i].calls != 1 || many[i].res != 1 || buf[i] != (u8)(i * 7))
			fail_msg("op %u: %u calls, res %d", i, many[i].calls, many[i].res);
	}
	(void)close(fd);
	test_free(buf);
	test_free(many);
}

static void more_waiting_ops_than_any_queue_holds_all_end_in_quiesce(void **state)
{
	struct loop *l = the_loop(state);
	struct io *many = test_calloc(MANY, sizeof(*many)), refused = fresh;
	u8 *buf = test_calloc(MANY, 1);
	int fd[2];

	make_pipe(fd, 0);
	for (u32 i = 0; i < MANY; i++) {
		many[i].op.done = io_done;
		assert_int_equal(loop_read(l, &many[i].op, fd[0], buf + i, 1, LOOP_NO_OFFSET), 0);
	}
	loop_quiesce(l);
	for (u32 i = 0; i < MANY; i++) {
		if (many[i].calls != 1 || many[i].res != -ECANCELED)
			fail_msg("op %u: %u calls, res %d", i, many[i].calls, many[i].res);
	}
	assert_int_equal(loop_timeout(l, &refused.op, 1), -ESHUTDOWN);
	assert_int_equal(loop_turn(l), 0);
	assert_int_equal(refused.calls, 0);
	close2(fd);
	test_free(buf);
	test_free(many);
}

/* Reads on for as long as the loop lets it. */
struct reader {
	struct loop_op op;
	struct loop *loop;
	int fd;
	unsigned int calls, bytes;
	int last, refused;
	char buf[4];
};

static void reader_done(struct loop_op *op, int res)
{
	struct reader *r = container_of(op, struct reader, op);

	r->calls++;
	r->last = res;
	if (res > 0)
		r->bytes += (unsigned int)res;
	if (res != 0)
		r->refused = loop_read(r->loop, op, r->fd, r->buf, sizeof(r->buf), LOOP_NO_OFFSET);
}

static void done_may_queue_its_own_op_again(void **state)
{
	struct reader r = { .op.done = reader_done, .loop = the_loop(state) };
	int fd[2];

	make_pipe(fd, 0);
	r.fd = fd[0];
	assert_int_equal(write(fd[1], "0123456789", 10), 10);
	(void)close(fd[1]);
	assert_int_equal(loop_read(r.loop, &r.op, fd[0], r.buf, 4, LOOP_NO_OFFSET), 0);
	turn_until(r.loop, &r.calls, 4);
	assert_int_equal(r.calls, 4); /* 4 + 4 + 2 + end */
	assert_int_equal(r.bytes, 10);
	assert_int_equal(r.last, 0);
	(void)close(fd[0]);
}

static void quiesce_refuses_the_done_that_queues_again(void **state)
{
	struct reader r = { .op.done = reader_done, .loop = the_loop(state) };
	int fd[2];

	make_pipe(fd, 0);
	r.fd = fd[0];
	assert_int_equal(loop_read(r.loop, &r.op, fd[0], r.buf, 4, LOOP_NO_OFFSET), 0);
	loop_quiesce(r.loop);
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.last, -ECANCELED);
	assert_int_equal(r.refused, -ESHUTDOWN);
	loop_quiesce(r.loop); /* a second time finds nothing to do */
	assert_int_equal(r.calls, 1);
	close2(fd);
}

/* The descriptor of this process's ring, to break it. */
static int ring_fd(void)
{
	for (int fd = 3; fd < 1024; fd++) {
		char path[64], what[64];
		ssize_t n;

		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, what, sizeof(what));
		if (n > 0 && memmem(what, (size_t)n, "io_uring", 8))
			return fd;
	}
	return -1;
}

static void broken_ring_is_an_error_and_quiesce_still_ends_every_op(void **state)
{
	struct loop *l = the_loop(state);
	struct io a = fresh, b = fresh;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_true(null >= 0);
	assert_true(ring_fd() >= 0);
	assert_int_equal(loop_timeout(l, &a.op, 3600ull * 1000000000), 0);
	assert_int_equal(loop_timeout(l, &b.op, 3600ull * 1000000000), 0);
	assert_true(dup3(null, ring_fd(), O_CLOEXEC) >= 0);
	assert_true(loop_turn(l) < 0);
	assert_int_equal(a.calls, 0);
	loop_quiesce(l);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 1);
	assert_true(a.res < 0 && b.res < 0);
	(void)close(null);
}

static void on_alarm(int sig)
{
}

static void signal_does_not_end_the_wait(void **state)
{
	struct loop *l = the_loop(state);
	struct io io = fresh;
	struct sigaction sa = { .sa_handler = on_alarm }, old;
	struct sigevent sev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	const struct itimerspec often = { .it_interval.tv_nsec = 1000000,
		                          .it_value.tv_nsec = 1000000 };
	timer_t timer;

	assert_int_equal(sigaction(SIGALRM, &sa, &old), 0);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &sev, &timer), 0);
	assert_int_equal(loop_timeout(l, &io.op, 20000000), 0);
	assert_int_equal(timer_settime(timer, 0, &often, NULL), 0);
	assert_int_equal(loop_turn(l), 1);
	assert_int_equal(io.res, 0);
	assert_int_equal(timer_delete(timer), 0);
	assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
}

/* Four threads put marbles down and ring; the loop picks them up when it hears. */
enum { RINGERS = 4, MARBLES = 5000 };

struct marbles {
	struct loop_event bell;
	atomic_uint down;
	unsigned int up, fires;
};

static void pick_up(struct loop_event *ev)
{
	struct marbles *m = container_of(ev, struct marbles, bell);

	m->fires++;
	m->up += atomic_exchange(&m->down, 0);
}

static void *put_down(void *arg)
{
	struct marbles *m = arg;

	for (int i = 0; i < MARBLES; i++) {
		atomic_fetch_add(&m->down, 1);
		loop_event_signal(&m->bell);
	}
	return NULL;
}

static void event_is_heard_after_the_last_ring_of_any_thread(void **state)
{
	struct marbles m = { .fires = 0 };
	struct loop *l = the_loop(state);
	pthread_t t[RINGERS];

	assert_int_equal(loop_event_init(l, &m.bell, pick_up), 0);
	for (size_t i = 0; i < RINGERS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, put_down, &m), 0);
	turn_until(l, &m.up, RINGERS * MARBLES);
	for (size_t i = 0; i < RINGERS; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	assert_int_equal(m.up, RINGERS * MARBLES);
	assert_true(m.fires <= RINGERS * MARBLES);
	loop_quiesce(l);
	loop_event_done(&m.bell);
	assert_int_equal(m.bell.fd, -1);
}

static void rings_that_nobody_heard_yet_are_one(void **state)
{
	struct marbles m = { .fires = 0 };
	struct loop *l = the_loop(state);

	assert_int_equal(loop_event_init(l, &m.bell, pick_up), 0);
	for (int i = 0; i < 100; i++)
		loop_event_signal(&m.bell);
	assert_int_equal(loop_turn(l), 1);
	assert_int_equal(m.fires, 1);
	loop_event_signal(&m.bell);
	assert_int_equal(loop_turn(l), 1);
	assert_int_equal(m.fires, 2);
	loop_quiesce(l);
	assert_int_equal(m.fires, 2);
	loop_event_done(&m.bell);
}

static void event_on_a_closed_loop_is_refused_and_holds_nothing(void **state)
{
	struct loop *l = the_loop(state);
	struct loop_event ev = { .fd = -1 };

	loop_event_done(&ev);
	loop_quiesce(l);
	assert_int_equal(loop_event_init(l, &ev, pick_up), -ESHUTDOWN);
	assert_int_equal(ev.fd, -1);
	loop_event_done(&ev);
}

#define LOOP_TEST(f) cmocka_unit_test_setup_teardown(f, loop_setup, loop_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(done_gets_bytes_or_errno_and_runs_once),
		LOOP_TEST(file_is_read_and_written_where_the_offset_says),
		LOOP_TEST(poll_tells_once_what_is_ready),
		LOOP_TEST(timeouts_end_in_their_order_and_not_early),
		LOOP_TEST(a_time_of_day_is_waited_for_and_one_that_is_over_is_not),
		LOOP_TEST(cancelled_op_is_done_once_and_others_stay),
		LOOP_TEST(op_that_had_its_result_before_the_cancel_keeps_it),
		LOOP_TEST(more_ops_than_any_queue_holds_all_complete),
		LOOP_TEST(more_waiting_ops_than_any_queue_holds_all_end_in_quiesce),
		LOOP_TEST(done_may_queue_its_own_op_again),
		LOOP_TEST(quiesce_refuses_the_done_that_queues_again),
		LOOP_TEST(broken_ring_is_an_error_and_quiesce_still_ends_every_op),
		LOOP_TEST(signal_does_not_end_the_wait),
		LOOP_TEST(event_is_heard_after_the_last_ring_of_any_thread),
		LOOP_TEST(rings_that_nobody_heard_yet_are_one),
		LOOP_TEST(event_on_a_closed_loop_is_refused_and_holds_nothing),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
