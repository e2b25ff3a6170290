/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "devices/host/console_private.h"
#include "devices/host/tty.h"
#include "machine/base/log.h"

/* Between looks whether we are in the foreground again. */
#define BACKGROUND_NS 250000000ull

static void input_next(struct console *c);

/*
 * Room that the client makes between its refusal and our flag would be noticed
 * by nobody: hence the second offer. What comes after that one sees the flag.
 */
static size_t offer(struct console *c, const u8 *data, size_t len)
{
	size_t n = c->client->input(c->client_ctx, data, len);

	if (n == len)
		return n;
	atomic_store(&c->in_waiting, true);
	return n + c->client->input(c->client_ctx, data + n, len - n);
}

void console_input_ready(struct console *c)
{
	if (atomic_load(&c->in_waiting) && atomic_exchange(&c->in_waiting, false))
		loop_event_signal(&c->bell);
}

/* Give the client one ESC and what belongs to it. Return: bytes of .kept used up. */
static size_t feed_escape(struct console *c, const u8 *p)
{
	if (p[1] == ESC)
		return offer(c, p + 1, 1) ? 2 : 0;
	c->client->send_break(c->client_ctx);
	return 2;
}

static void feed(struct console *c)
{
	while (c->client && c->kept_pos < c->kept_len) {
		const u8 *p = c->kept + c->kept_pos;
		size_t left = c->kept_len - c->kept_pos, n;
		const u8 *esc = memchr(p, ESC, left);
		size_t plain = esc ? (size_t)(esc - p) : left;

		n = plain ? offer(c, p, plain) : feed_escape(c, p);
		c->kept_pos += n;
		if (n == 0 || n < plain)
			return;
	}
}

static void keep(struct console *c, u8 b)
{
	assert(c->kept_len < KEPT_SIZE);
	c->kept[c->kept_len++] = b;
}

static void escape_key(struct console *c, u8 key)
{
	switch (key) {
	case 'x':
		c->cfg.quit(c->cfg.ctx);
		break;
	case 'b':
	case ESC:
		keep(c, ESC);
		keep(c, key);
		break;
	case 'h':
	case '?':
		console_say(c, "\nCtrl-A x  end the machine\n"
		               "Ctrl-A b  send a break\n"
		               "Ctrl-A Ctrl-A  send Ctrl-A\n"
		               "Ctrl-A h  this help\n");
		break;
	default:
		break;
	}
}

/* At most one byte more is kept than came: an escape can begin in one read and end in the next. */
static void filter(struct console *c, const u8 *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (c->escaped) {
			c->escaped = false;
			escape_key(c, data[i]);
		} else if (data[i] == ESC) {
			c->escaped = true;
		} else {
			keep(c, data[i]);
		}
	}
}

static void input_ended(struct console *c, int err)
{
	c->in_over = true;
	if (err < 0 && err != -ESHUTDOWN && err != -ECANCELED)
		log_at(LOG_DEBUG, "console input ended: %s", strerror(-err));
}

static void input_queued(struct console *c, int err)
{
	if (err < 0)
		input_ended(c, err);
	else
		c->in_busy = true;
}

static void input_poll_done(struct loop_op *op, int res);

static void input_poll(struct console *c)
{
	c->in_op.done = input_poll_done;
	input_queued(c, loop_poll(c->loop, &c->in_op, c->cfg.in_fd, POLLIN));
}

static void input_read_done(struct loop_op *op, int res)
{
	struct console *c = container_of(op, struct console, in_op);

	c->in_busy = false;
	if (res == -EAGAIN) {
		input_poll(c);
	} else if (res == -EINTR) {
		input_next(c);
	} else if (res <= 0) {
		input_ended(c, res);
	} else {
		filter(c, c->buf, (size_t)res);
		if (c->cfg.typed)
			c->cfg.typed(c->cfg.ctx);
		feed(c);
		input_next(c);
	}
}

static void input_read(struct console *c)
{
	c->in_op.done = input_read_done;
	input_queued(
		c, loop_read(c->loop, &c->in_op, c->cfg.in_fd, c->buf, READ_SIZE, LOOP_NO_OFFSET));
}

static void input_background_done(struct loop_op *op, int res)
{
	struct console *c = container_of(op, struct console, in_op);

	c->in_busy = false;
	if (res < 0)
		input_ended(c, res);
	else
		input_next(c);
}

static void input_poll_done(struct loop_op *op, int res)
{
	struct console *c = container_of(op, struct console, in_op);

	c->in_busy = false;
	if (res < 0 && res != -EINTR) {
		input_ended(c, res);
	} else if (c->in_tty && !tty_foreground(c->cfg.in_fd)) {
		/* Those keys are for somebody else. Nothing tells us when that changes. */
		c->raw_set = false;
		op->done = input_background_done;
		input_queued(c, loop_timeout(c->loop, op, BACKGROUND_NS));
	} else {
		if (!c->raw_set)
			console_resume(c);
		input_read(c);
	}
}

/* Ask for more, if it can be kept. */
static void input_next(struct console *c)
{
	if (c->in_busy || c->in_over)
		return;

	memmove(c->kept, c->kept + c->kept_pos, c->kept_len - c->kept_pos);
	c->kept_len -= c->kept_pos;
	c->kept_pos = 0;
	if (KEPT_SIZE - c->kept_len < READ_SIZE + 1)
		return;

	if (c->in_tty)
		input_poll(c); /* a read in the background would stop us */
	else
		input_read(c);
}

int console_input_init(struct console *c)
{
	c->in_over = c->cfg.in_fd < 0;
	c->in_tty = !c->in_over && isatty(c->cfg.in_fd);
	if (!c->in_tty || !c->cfg.raw || !tty_foreground(c->cfg.in_fd))
		return 0;
	c->raw_set = true;
	return tty_raw(c->cfg.in_fd);
}

void console_input_turn(struct console *c)
{
	feed(c);
	input_next(c);
}

void console_attach(struct console *c, const struct console_client_ops *ops, void *ctx)
{
	c->client = ops;
	c->client_ctx = ctx;
	loop_event_signal(&c->bell); /* for what is waiting */
}

void console_resume(struct console *c)
{
	if (c->in_tty && c->cfg.raw)
		c->raw_set = tty_foreground(c->cfg.in_fd) && tty_raw(c->cfg.in_fd) == 0;
}
