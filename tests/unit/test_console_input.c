/* SPDX-License-Identifier: MIT */
#include "tests/unit/console_rig.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "machine/base/lock.h"

static void escape_keys_do_what_the_help_says(void **state)
{
	static const struct {
		const char *keys, *got;
		unsigned int quits;
	} rows[] = {
		{ "plain", "plain", 0 },
		{ "a\001bc", "a#c", 0 },
		{ "\001\001\001\001.", "\001\001.", 0 },
		{ "a\001xb", "ab", 1 },
		{ "\001x\001x", "", 2 },
		{ "a\001\177b", "ab", 0 }, /* no such key */
		{ "a\001Xb", "ab", 0 },
		{ "\001h", "", 0 },
		{ "\003\032\034", "\003\032\034", 0 },
		{ "\001b\001b\001\001\001b", "##\001#", 0 },
	};
	struct rig *r = rig_on_pipes(state);
	unsigned int quits = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		r->got_len = 0;
		quits += rows[i].quits;
		type(r, rows[i].keys);
		turn_until(r, &r->quits, quits);
		turn_until(r, &r->got_len, (unsigned int)strlen(rows[i].got));
		type(r, "|"); /* nothing else may come before this */
		turn_until(r, &r->got_len, (unsigned int)strlen(rows[i].got) + 1);
		assert_memory_equal(r->got, rows[i].got, strlen(rows[i].got));
		assert_int_equal(r->got[r->got_len - 1], '|');
		assert_int_equal(r->quits, quits);
	}
}

static void escape_may_come_in_two_reads(void **state)
{
	struct rig *r = rig_on_pipes(state);

	type(r, "a\001");
	turn_until(r, &r->got_len, 1);
	type(r, "bc\001");
	turn_until(r, &r->got_len, 3);
	type(r, "\001");
	turn_until(r, &r->got_len, 4);
	got(r, "a#c\001");
}

static void help_is_printed_for_the_user_and_not_for_the_guest(void **state)
{
	struct rig *r = rig_on_pipes(state);
	const char *text;

	type(r, "\001h\001?.");
	turn_until(r, &r->got_len, 1);
	got(r, ".");
	assert_int_equal(console_drain(r->con, FOREVER), 0);
	text = printed(r);
	assert_non_null(strstr(text, "Ctrl-A x"));
	assert_non_null(strstr(strstr(text, "Ctrl-A x") + 1, "Ctrl-A x"));
}

static void input_waits_for_a_client_and_keys_do_not(void **state)
{
	struct rig *r = *state;
	const struct console_config cfg = {
		.in_fd = r->in[0], .out_fd = r->out[1], .quit = on_quit, .lost = on_lost, .ctx = r
	};

	if (!r->loop)
		skip_because(NO_IO_URING);
	assert_int_equal(console_create(r->loop, &cfg, &r->con), 0);
	type(r, "early\001b\001x");
	turn_until(r, &r->quits, 1);
	assert_int_equal(r->got_len, 0);
	console_attach(r->con, &dev_ops, r);
	turn_until(r, &r->got_len, 6);
	got(r, "early#");
}

static void input_that_is_refused_is_offered_again_in_order(void **state)
{
	struct rig *r = rig_on_pipes(state);
	static const char keys[] = "ab\001bcd\001\001e";

	r->takes = 1;
	type(r, keys);
	type(r, "\001x");
	turn_until(r, &r->quits, 1); /* works although the guest takes nothing */
	got(r, "a");
	for (unsigned int n = 2; n <= 7; n++) {
		r->takes = 1;
		console_input_ready(r->con);
		turn_until(r, &r->got_len, n);
	}
	got(r, "ab#cd\001e");
}

static void input_stops_at_what_can_be_kept_and_loses_nothing(void **state)
{
	struct rig *r = rig_on_pipes(state);
	enum { TYPED = 20000 };
	char keys[TYPED];
	int left;

	for (size_t i = 0; i < TYPED; i++)
		keys[i] = (char)('a' + i % 23);
	r->takes = 0;
	assert_int_equal(write(r->in[1], keys, TYPED), TYPED);
	turn_for(r, 5000000);
	assert_int_equal(r->got_len, 0);
	assert_int_equal(ioctl(r->in[0], FIONREAD, &left), 0);
	assert_true(left > TYPED - 6000); /* the rest is the pipe's */

	while (r->got_len < TYPED) {
		unsigned int was = r->got_len;

		r->takes = 16;
		console_input_ready(r->con);
		turn_until(r, &r->got_len, was + 1);
	}
	assert_memory_equal(r->got, keys, TYPED);
}

static void end_of_input_is_no_event_and_output_goes_on(void **state)
{
	struct rig *r = rig_on_pipes(state);

	type(r, "last");
	shut(&r->in[1]);
	turn_until(r, &r->got_len, 4);
	got(r, "last");
	assert_int_equal(console_write(r->con, "still here", 10), 10);
	assert_int_equal(console_drain(r->con, FOREVER), 0);
	assert_string_equal(printed(r), "still here");
	assert_int_equal(r->quits + r->lost, 0);
}

static void input_may_be_a_file_or_nothing(void **state)
{
	struct rig *r = *state;
	int fd = memfd_create("keys", MFD_CLOEXEC);

	assert_int_equal(write(fd, "from a file", 11), 11);
	assert_int_equal(lseek(fd, 5, SEEK_SET), 5);
	(void)rig_on(state, fd, r->out[1]);
	turn_until(r, &r->got_len, 6);
	got(r, "a file");
	rig_stop(r);

	assert_int_equal(loop_create(&r->loop), 0);
	(void)rig_on(state, -1, r->out[1]);
	turn_for(r, 1000000);
	assert_int_equal(r->got_len, 6);
	(void)close(fd);
}

/* On an inotify descriptor older kernels answer -EAGAIN, where newer ones wait by themselves. */
static void input_that_would_block_is_waited_for(void **state)
{
	struct rig *r = *state;
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	FILE *file = tmpfile();
	struct inotify_event ev = { .wd = 0 };
	char path[32];

	assert_true(fd >= 0);
	assert_non_null(file);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(file));
	assert_int_equal(inotify_add_watch(fd, path, IN_MODIFY), 1);
	(void)rig_on(state, fd, r->out[1]);
	turn_for(r, 1000000);
	assert_int_equal(r->got_len, 0);
	assert_int_equal(write(fileno(file), "x", 1), 1);
	turn_until(r, &r->got_len, sizeof(ev) - 2); /* less Ctrl-A and the key after it */
	memcpy((char *)&ev + 2, r->got, sizeof(ev) - 2);
	assert_int_equal(ev.mask, IN_MODIFY);
	rig_stop(r);
	(void)fclose(file);
	(void)close(fd);
}

/* A device with a small FIFO that another thread empties. */
struct fifo {
	struct mutex lock;
	struct console *con;
	u8 held[16];
	size_t fill;
	u8 next; /* what has to come now */
	bool wrong;
	struct loop_event over;
	unsigned int overs;
};

static size_t fifo_input(void *ctx, const u8 *data, size_t len)
{
	struct fifo *f = ctx;

	mutex_lock(&f->lock);
	if (len > sizeof(f->held) - f->fill)
		len = sizeof(f->held) - f->fill;
	memcpy(f->held + f->fill, data, len);
	f->fill += len;
	mutex_unlock(&f->lock);
	return len;
}

static void fifo_nothing(void *ctx)
{
}

static const struct console_client_ops fifo_ops = { fifo_input, fifo_nothing, fifo_nothing };

enum { EATEN = 60000 };

static void fifo_over(struct loop_event *ev)
{
	struct fifo *f = container_of(ev, struct fifo, over);

	f->overs++;
}

static void *fifo_eat(void *arg)
{
	struct fifo *f = arg;

	for (size_t eaten = 0, n; eaten < EATEN; eaten += n) {
		mutex_lock(&f->lock);
		n = f->fill;
		for (size_t i = 0; i < n; i++) {
			f->wrong |= f->held[i] != f->next;
			f->next = (u8)(f->next == 'z' ? 'a' : f->next + 1);
		}
		f->fill = 0;
		mutex_unlock(&f->lock);
		if (n)
			console_input_ready(f->con);
	}
	loop_event_signal(&f->over);
	return NULL;
}

static void no_input_is_stuck_when_a_thread_empties_the_device(void **state)
{
	struct rig *r = rig_on_pipes(state);
	struct fifo f = { .con = r->con, .next = 'a' };
	char *keys = test_malloc(EATEN);
	pthread_t t;

	for (size_t i = 0; i < EATEN; i++)
		keys[i] = (char)('a' + i % 26);
	mutex_init(&f.lock);
	assert_int_equal(loop_event_init(r->loop, &f.over, fifo_over), 0);
	console_attach(r->con, &fifo_ops, &f);
	assert_int_equal(write(r->in[1], keys, EATEN), EATEN);
	assert_int_equal(pthread_create(&t, NULL, fifo_eat, &f), 0);
	turn_until(r, &f.overs, 1);
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_false(f.wrong);
	rig_stop(r);
	loop_event_done(&f.over);
	mutex_done(&f.lock);
	test_free(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONSOLE_TEST(escape_keys_do_what_the_help_says),
		CONSOLE_TEST(escape_may_come_in_two_reads),
		CONSOLE_TEST(help_is_printed_for_the_user_and_not_for_the_guest),
		CONSOLE_TEST(input_waits_for_a_client_and_keys_do_not),
		CONSOLE_TEST(input_that_is_refused_is_offered_again_in_order),
		CONSOLE_TEST(input_stops_at_what_can_be_kept_and_loses_nothing),
		CONSOLE_TEST(end_of_input_is_no_event_and_output_goes_on),
		CONSOLE_TEST(input_may_be_a_file_or_nothing),
		CONSOLE_TEST(input_that_would_block_is_waited_for),
		CONSOLE_TEST(no_input_is_stuck_when_a_thread_empties_the_device),
	};

	return cmocka_run_group_tests_name("console_input", tests, NULL, NULL);
}
