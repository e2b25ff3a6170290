/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CONSOLE_RIG_H
#define TESTS_UNIT_CONSOLE_RIG_H

#include "tests/unit/test.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "devices/host/console.h"
#include "devices/loop.h"
#include "machine/base/compiler.h"

enum { FOREVER = 0 };

/* A console between two pipes, and the device at its end. */
struct rig {
	struct loop *loop;
	struct console *con;
	int in[2], out[2]; /* the console reads in[0] and writes out[1] */

	/* What the device saw, in order: bytes, and '#' for a break. */
	char got[32768];
	unsigned int got_len;
	size_t takes; /* room the device has for input */
	unsigned int writable, quits, lost;
	int lost_err;

	struct loop_op tick; /* pulls the loop's sleeve */
	unsigned int ticks;
};

static inline size_t dev_input(void *ctx, const u8 *data, size_t len)
{
	struct rig *r = ctx;
	size_t n = len < r->takes ? len : r->takes;

	assert_true(r->got_len + n < sizeof(r->got));
	memcpy(r->got + r->got_len, data, n);
	r->got_len += (unsigned int)n;
	r->takes -= n;
	return n;
}

static inline void dev_break(void *ctx)
{
	struct rig *r = ctx;

	r->got[r->got_len++] = '#';
}

static inline void dev_writable(void *ctx)
{
	struct rig *r = ctx;

	r->writable++;
}

static const struct console_client_ops dev_ops = { dev_input, dev_break, dev_writable };

static inline void on_quit(void *ctx)
{
	struct rig *r = ctx;

	r->quits++;
}

static inline void on_lost(void *ctx, int err)
{
	struct rig *r = ctx;

	r->lost++;
	r->lost_err = err;
}

static inline void tick_done(struct loop_op *op, int res)
{
	struct rig *r = container_of(op, struct rig, tick);

	r->ticks++;
}

static inline int rig_setup(void **state)
{
	struct rig *r = test_calloc(1, sizeof(*r));
	int err = loop_create(&r->loop);

	*state = r;
	r->tick.done = tick_done;
	r->takes = sizeof(r->got);
	if (err < 0)
		print_message("# no io_uring here: %s\n", strerror(-err));
	return pipe2(r->in, O_CLOEXEC) < 0 || pipe2(r->out, O_CLOEXEC) < 0 ? -1 : 0;
}

static inline void shut(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static inline void rig_stop(struct rig *r)
{
	if (r->loop)
		loop_quiesce(r->loop);
	console_destroy(r->con);
	loop_destroy(r->loop);
	r->con = NULL;
	r->loop = NULL;
}

static inline int rig_teardown(void **state)
{
	struct rig *r = *state;

	rig_stop(r);
	shut(&r->in[0]);
	shut(&r->in[1]);
	shut(&r->out[0]);
	shut(&r->out[1]);
	test_free(r);
	return 0;
}

static inline struct rig *rig_on(void **state, int in_fd, int out_fd)
{
	struct rig *r = *state;
	const struct console_config cfg = { .in_fd = in_fd,
		                            .out_fd = out_fd,
		                            .raw = true,
		                            .quit = on_quit,
		                            .lost = on_lost,
		                            .ctx = r };

	if (!r->loop)
		skip_because(NO_IO_URING);
	assert_int_equal(console_create(r->loop, &cfg, &r->con), 0);
	console_attach(r->con, &dev_ops, r);
	return r;
}

static inline struct rig *rig_on_pipes(void **state)
{
	struct rig *r = *state;

	return rig_on(state, r->in[0], r->out[1]);
}

static inline void turn_until(struct rig *r, const unsigned int *count, unsigned int n)
{
	while (*count < n)
		assert_true(loop_turn(r->loop) > 0);
}

/* Let the loop run for at least so long. */
static inline void turn_for(struct rig *r, u64 ns)
{
	assert_int_equal(loop_timeout(r->loop, &r->tick, ns), 0);
	turn_until(r, &r->ticks, r->ticks + 1);
}

static inline void type(struct rig *r, const char *keys)
{
	assert_int_equal(write(r->in[1], keys, strlen(keys)), strlen(keys));
}

static inline void got(struct rig *r, const char *what)
{
	r->got[r->got_len] = '\0';
	assert_string_equal(r->got, what);
}

/* What stands at the far end of the output, up to what is there now. */
static inline const char *printed(struct rig *r)
{
	static const char nothing[] = "";
	struct pollfd p = { .fd = r->out[0], .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, 0) != 1)
		return nothing;
	n = read(r->out[0], r->got, sizeof(r->got) - 1);
	r->got[n > 0 ? n : 0] = '\0';
	return r->got;
}

#define CONSOLE_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

#endif /* TESTS_UNIT_CONSOLE_RIG_H */
