/* SPDX-License-Identifier: MIT */
#include "tests/unit/console_rig.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "machine/base/bits.h"
#include "machine/base/lock.h"

/* Long after the guest fell silent, and long before its bytes are old. */
enum { SOON = 250000000 };

static void prompt_is_there_without_more_output(void **state)
{
	struct rig *r = rig_on_pipes(state);

	for (u64 n = 1; n <= 3; n++) {
		for (const char *p = "login: "; *p; p++)
			assert_int_equal(console_write(r->con, p, 1), 1);
		assert_int_equal(loop_timeout(r->loop, &r->tick, SOON), 0);
		while (!*printed(r))
			assert_true(loop_turn(r->loop) > 0);
		assert_string_equal(r->got, "login: ");
		assert_int_equal(r->ticks, n - 1);
		assert_int_equal(console_writes(r->con), n);
		loop_cancel(r->loop, &r->tick);
		turn_until(r, &r->ticks, (unsigned int)n);
	}
}

static void batch_is_written_at_once_and_less_waits(void **state)
{
	struct rig *r = rig_on_pipes(state);
	static const char text[8192] = { 'x' };

	assert_int_equal(loop_turn(r->loop), 1); /* the bell of console_attach() */
	assert_int_equal(console_write(r->con, text, 8191), 8191);
	assert_int_equal(loop_turn(r->loop), 1);
	assert_int_equal(console_writes(r->con), 0);
	assert_int_equal(console_write(r->con, text, 1), 1);
	turn_for(r, 1); /* the bell came first */
	assert_int_equal(console_writes(r->con), 1);
}

static u64 now_ns(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

/* One byte every 200 us, as a guest on a slow host prints. */
struct trickle {
	struct loop_op op;
	struct rig *r;
	unsigned int sent, pauses; /* pauses: 4 ms or longer, when this machine is busy */
	u64 last;
	bool over; /* a byte may be due just when the loop ends, which takes no more timers */
};

static void trickle_done(struct loop_op *op, int res)
{
	struct trickle *t = container_of(op, struct trickle, op);
	u64 now = now_ns();

	if (res < 0 || t->over)
		return;
	t->pauses += t->last && now - t->last >= 4000000;
	t->last = now;
	t->sent++;
	assert_int_equal(console_write(t->r->con, "t", 1), 1);
	assert_int_equal(loop_timeout(t->r->loop, op, 200000), 0);
}

static void bytes_that_trickle_in_share_a_write(void **state)
{
	struct rig *r = rig_on_pipes(state);
	struct trickle t = { .op.done = trickle_done, .r = r };
	u64 start = now_ns();

	trickle_done(&t.op, 0);
	turn_until(r, &t.sent, 2000);
	assert_int_equal(console_drain(r->con, FOREVER), 0);
	assert_true(console_writes(r->con) <= 2 + t.pauses + (now_ns() - start) / 500000000);
	t.over = true;
	rig_stop(r);
}

/* Prints again as soon as its last byte came out: just when the loop goes to sleep. */
struct echo {
	struct rig *r;
	struct loop_event over;
	unsigned int overs;
	bool wrong;
};

static void echo_over(struct loop_event *ev)
{
	struct echo *e = container_of(ev, struct echo, over);

	e->overs++;
}

static void *echo_run(void *arg)
{
	struct echo *e = arg;

	for (int i = 0; i < 100; i++) {
		char byte = (char)i, back = -1;

		e->wrong |= console_write(e->r->con, &byte, 1) != 1 ||
		            read(e->r->out[0], &back, 1) != 1 || back != byte;
	}
	loop_event_signal(&e->over);
	return NULL;
}

static void byte_that_meets_the_loop_going_to_sleep_is_not_left(void **state)
{
	struct echo e = { .r = rig_on_pipes(state) };
	pthread_t t;

	assert_int_equal(loop_event_init(e.r->loop, &e.over, echo_over), 0);
	assert_int_equal(pthread_create(&t, NULL, echo_run, &e), 0);
	turn_until(e.r, &e.overs, 1);
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_false(e.wrong);
	rig_stop(e.r);
	loop_event_done(&e.over);
}

enum { SENT = 1024 * 1024 };

static char pattern(size_t i)
{
	return (char)('!' + i % 89);
}

/* A guest that prints in pieces, and waits when the console takes no more. */
struct guest {
	struct rig *r;
	size_t piece;
	struct mutex lock;
	struct cond room;
	unsigned int writable GUARDED_BY(lock), short_writes;
	struct loop_event over;
	unsigned int overs;
};

static size_t guest_input(void *ctx, const u8 *data, size_t len)
{
	return len;
}

static void guest_writable(void *ctx)
{
	struct guest *g = ctx;

	mutex_lock(&g->lock);
	g->writable++;
	cond_broadcast(&g->room);
	mutex_unlock(&g->lock);
}

static void guest_over(struct loop_event *ev)
{
	struct guest *g = container_of(ev, struct guest, over);

	g->overs++;
}

static void guest_break(void *ctx)
{
}

static const struct console_client_ops guest_ops = { guest_input, guest_break, guest_writable };

static void *guest_print(void *arg)
{
	struct guest *g = arg;
	char piece[4096];

	for (size_t sent = 0; sent < SENT;) {
		size_t n = g->piece < SENT - sent ? g->piece : SENT - sent, taken;

		for (size_t i = 0; i < n; i++)
			piece[i] = pattern(sent + i);
		taken = console_write(g->r->con, piece, n);
		sent += taken;
		if (taken == n)
			continue;
		mutex_lock(&g->lock);
		g->short_writes++;
		while (g->writable < g->short_writes)
			cond_wait(&g->room, &g->lock);
		mutex_unlock(&g->lock);
	}
	loop_event_signal(&g->over);
	return NULL;
}

/* The host's reader: checks what comes, until the other end is closed. */
struct reader {
	int fd;
	size_t slow; /* bytes a read; 0: as many as there are */
	size_t len;
	bool wrong;
};

static void *reader_run(void *arg)
{
	struct reader *rd = arg;
	char buf[65536];
	ssize_t n;

	while ((n = read(rd->fd, buf, rd->slow ? rd->slow : sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			rd->wrong |= buf[i] != pattern(rd->len++);
		if (rd->slow)
			(void)sched_yield();
	}
	return NULL;
}

/* Return: how many writes it took. */
static u64 print_through(struct rig *r, size_t piece, size_t slow)
{
	struct guest g = { .r = r, .piece = piece };
	struct reader rd = { .fd = r->out[0], .slow = slow };
	pthread_t guest, reader;
	u64 writes;

	mutex_init(&g.lock);
	cond_init(&g.room);
	assert_int_equal(loop_event_init(r->loop, &g.over, guest_over), 0);
	console_attach(r->con, &guest_ops, &g);
	assert_int_equal(pthread_create(&reader, NULL, reader_run, &rd), 0);
	assert_int_equal(pthread_create(&guest, NULL, guest_print, &g), 0);
	turn_until(r, &g.overs, 1);
	assert_int_equal(console_drain(r->con, FOREVER), 0);
	assert_int_equal(pthread_join(guest, NULL), 0);
	assert_int_equal(g.writable, g.short_writes);
	writes = console_writes(r->con);
	rig_stop(r);
	loop_event_done(&g.over);
	cond_done(&g.room);
	mutex_done(&g.lock);

	shut(&r->out[1]);
	assert_int_equal(pthread_join(reader, NULL), 0);
	assert_int_equal(rd.len, SENT);
	assert_false(rd.wrong);
	return writes;
}

static void mebibyte_in_single_bytes_costs_few_writes(void **state)
{
	u64 writes = print_through(rig_on_pipes(state), 1, 0);

	print_message("# 1 MiB in single bytes: %llu writes\n", writes);
	assert_true(writes <= 300);
}

static void mebibyte_in_large_pieces_arrives_in_order(void **state)
{
	assert_true(print_through(rig_on_pipes(state), 4093, 0) <= 300);
}

static void slow_reader_loses_nothing(void **state)
{
	(void)print_through(rig_on_pipes(state), 777, 3000);
}

static void descriptor_that_would_block_loses_nothing(void **state)
{
	struct rig *r = *state;

	assert_int_equal(fcntl(r->out[1], F_SETFL, O_NONBLOCK), 0);
	(void)print_through(rig_on_pipes(state), 777, 3000);
}

/* Four threads, each with its own letters: nobody's order may change. */
enum { PRINTERS = 4, LETTERS = 20000 };

static const size_t all_letters = (size_t)PRINTERS * LETTERS;

struct printer {
	struct console *con;
	char base;
};

static void *printer_run(void *arg)
{
	const struct printer *p = arg;

	for (int i = 0; i < LETTERS; i++) {
		char c = (char)(p->base + i % 8);

		while (console_write(p->con, &c, 1) == 0)
			(void)sched_yield();
	}
	return NULL;
}

static void every_thread_keeps_its_order_and_no_bell_is_missed(void **state)
{
	struct rig *r = *state;
	struct printer p[PRINTERS];
	pthread_t t[PRINTERS];
	size_t next[PRINTERS] = { 0 };
	int fd = memfd_create("log", MFD_CLOEXEC);
	char *text;

	(void)rig_on(state, -1, fd);
	text = test_malloc(all_letters);
	for (size_t i = 0; i < PRINTERS; i++) {
		p[i] = (struct printer){ r->con, (char)('A' + 8 * i) };
		assert_int_equal(pthread_create(&t[i], NULL, printer_run, &p[i]), 0);
	}
	/* No drain: the last byte has to come out by itself. */
	while ((size_t)lseek(fd, 0, SEEK_CUR) < all_letters)
		assert_true(loop_turn(r->loop) > 0);
	for (size_t i = 0; i < PRINTERS; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);

	assert_int_equal(pread(fd, text, all_letters, 0), all_letters);
	for (size_t i = 0; i < all_letters; i++) {
		size_t who = (size_t)(text[i] - 'A') / 8;

		assert_true(who < PRINTERS);
		assert_int_equal(text[i], p[who].base + (char)(next[who]++ % 8));
	}
	test_free(text);
	(void)close(fd);
}

static void full_ring_takes_less_and_says_once_when_half_is_free(void **state)
{
	struct rig *r = rig_on_pipes(state);
	static const char text[300 * 1024] = { 'x' };
	size_t held = 256 * KIB;

	assert_int_equal(console_room(r->con), held);
	assert_int_equal(console_write(r->con, text, sizeof(text)), held);
	assert_int_equal(console_room(r->con), 0);
	assert_int_equal(console_write(r->con, text, 1), 0);
	assert_int_equal(console_write(r->con, text, 1), 0);
	while (console_room(r->con) < held) {
		assert_int_equal(r->writable, console_room(r->con) >= held / 2);
		while (*printed(r)) {
		}
		assert_true(loop_turn(r->loop) > 0);
	}
	assert_int_equal(r->writable, 1);
}

static void reader_that_is_gone_is_told_once_and_output_goes_nowhere(void **state)
{
	struct rig *r = rig_on_pipes(state);
	static const char text[300 * 1024] = { 'x' };

	shut(&r->out[0]);
	assert_true(console_write(r->con, text, sizeof(text)) < sizeof(text));
	turn_until(r, &r->lost, 1);
	assert_int_equal(r->lost_err, -EPIPE);
	assert_int_equal(r->writable, 1); /* the device must not wait for ever */
	for (int i = 0; i < 10; i++)
		assert_int_equal(console_write(r->con, text, sizeof(text)), sizeof(text));
	assert_true(console_room(r->con) > 0);
	turn_for(r, 6000000);
	assert_int_equal(r->lost, 1);
	assert_int_equal(console_writes(r->con), 1);
}

static void full_disk_is_a_lost_console(void **state)
{
	struct rig *r = *state;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)rig_on(state, r->in[0], fd);
	assert_int_equal(console_write(r->con, "abc", 3), 3);
	assert_int_equal(console_drain(r->con, FOREVER), 3);
	assert_int_equal(r->lost, 1);
	assert_int_equal(r->lost_err, -ENOSPC);
	(void)close(fd);
}

static void drain_gives_up_on_a_reader_that_does_not_read(void **state)
{
	struct rig *r = rig_on_pipes(state);
	static const char text[200 * 1024] = { 'x' };
	size_t left, seen = 0;

	assert_int_equal(console_write(r->con, text, sizeof(text)), sizeof(text));
	left = console_drain(r->con, 5000000);
	assert_true(left > 0 && left < sizeof(text)); /* the pipe took its share */
	assert_int_equal(console_drain(r->con, 1000000), left);
	assert_int_equal(fcntl(r->out[0], F_SETFL, O_NONBLOCK), 0);
	while (left) {
		for (ssize_t n; (n = read(r->out[0], r->got, sizeof(r->got))) > 0;)
			seen += (size_t)n;
		left = console_drain(r->con, 1000000);
	}
	for (ssize_t n; (n = read(r->out[0], r->got, sizeof(r->got))) > 0;)
		seen += (size_t)n;
	assert_int_equal(seen, sizeof(text));
	assert_int_equal(r->lost, 0);
}

/* Reads 32 KiB every 40 ms. */
struct sipper {
	struct loop_op op;
	struct rig *r;
};

static void sip(struct loop_op *op, int res)
{
	struct sipper *s = container_of(op, struct sipper, op);

	if (res < 0)
		return;
	assert_true(read(s->r->out[0], s->r->got, sizeof(s->r->got)) > 0);
	assert_int_equal(loop_timeout(s->r->loop, op, 40000000), 0);
}

static void drain_is_patient_with_a_reader_that_does_read(void **state)
{
	struct rig *r = rig_on_pipes(state);
	struct sipper s = { .op.done = sip, .r = r };
	static const char text[256 * 1024] = { 'x' };

	assert_int_equal(console_write(r->con, text, sizeof(text)), sizeof(text));
	assert_int_equal(loop_timeout(r->loop, &s.op, 40000000), 0);
	assert_int_equal(console_drain(r->con, 150000000), 0);
	rig_stop(r);
}

/* It depends on the kernel whether io_uring waits here by itself or says -EAGAIN. */
static void terminal_that_would_block_loses_nothing(void **state)
{
	struct rig *r = *state;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
	static char text[100000];
	size_t seen = 0;

	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	assert_true(slave >= 0);
	assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
	(void)rig_on(state, -1, slave);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = pattern(i);
	assert_int_equal(console_write(r->con, text, sizeof(text)), sizeof(text));
	while (seen < sizeof(text)) {
		ssize_t n = read(master, r->got, sizeof(r->got));

		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(r->got[i], pattern(seen++));
		if (n <= 0)
			assert_true(loop_turn(r->loop) > 0);
	}
	rig_stop(r);
	(void)close(slave);
	(void)close(master);
}

static void quiesce_with_output_waiting_is_no_loss_to_report(void **state)
{
	struct rig *r = rig_on_pipes(state);
	static const char text[200 * 1024] = { 'x' };

	assert_int_equal(console_write(r->con, text, sizeof(text)), sizeof(text));
	turn_for(r, 1000000);
	loop_quiesce(r->loop);
	assert_int_equal(console_write(r->con, text, 10), 10);
	assert_true(console_drain(r->con, FOREVER) > 0);
	assert_int_equal(r->lost + r->quits, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONSOLE_TEST(prompt_is_there_without_more_output),
		CONSOLE_TEST(batch_is_written_at_once_and_less_waits),
		CONSOLE_TEST(bytes_that_trickle_in_share_a_write),
		CONSOLE_TEST(byte_that_meets_the_loop_going_to_sleep_is_not_left),
		CONSOLE_TEST(mebibyte_in_single_bytes_costs_few_writes),
		CONSOLE_TEST(mebibyte_in_large_pieces_arrives_in_order),
		CONSOLE_TEST(slow_reader_loses_nothing),
		CONSOLE_TEST(descriptor_that_would_block_loses_nothing),
		CONSOLE_TEST(every_thread_keeps_its_order_and_no_bell_is_missed),
		CONSOLE_TEST(full_ring_takes_less_and_says_once_when_half_is_free),
		CONSOLE_TEST(reader_that_is_gone_is_told_once_and_output_goes_nowhere),
		CONSOLE_TEST(full_disk_is_a_lost_console),
		CONSOLE_TEST(drain_gives_up_on_a_reader_that_does_not_read),
		CONSOLE_TEST(drain_is_patient_with_a_reader_that_does_read),
		CONSOLE_TEST(terminal_that_would_block_loses_nothing),
		CONSOLE_TEST(quiesce_with_output_waiting_is_no_loss_to_report),
	};

	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return 1;
	return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
