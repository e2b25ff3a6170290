/* SPDX-License-Identifier: MIT */
#include "devices/host/console.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "devices/host/console_private.h"
#include "devices/host/tty.h"

enum {
	RING_SIZE = 256 * 1024,
	BATCH = 8 * 1024, /* so much is worth a write at once */
};

#define MS         1000000ull
#define IDLE_NS    (4 * MS)
#define AGE_TTY_NS (100 * MS)
#define AGE_NS     (500 * MS)

static void output_next(struct console *c, bool tick);

static u64 now_ns(void)
{
	struct timespec ts;

	must0(clock_gettime(CLOCK_MONOTONIC, &ts));
	return (u64)ts.tv_sec * 1000 * MS + (u64)ts.tv_nsec;
}

static size_t put(struct console *c, const u8 *data, size_t len) REQUIRES(c->lock)
{
	size_t fill = c->in - c->out, at = (c->pos + fill) % RING_SIZE, upto_end = RING_SIZE - at;

	if (len > RING_SIZE - fill)
		len = RING_SIZE - fill;
	if (upto_end > len)
		upto_end = len;
	memcpy(c->ring + at, data, upto_end);
	memcpy(c->ring, data + upto_end, len - upto_end);
	c->in += len;
	return len;
}

/* Return: whether the caller is to ring the bell, once the lock is gone. */
static bool bell_due(struct console *c) REQUIRES(c->lock)
{
	u64 fill = c->in - c->out;
	bool due = (c->mood == ASLEEP && fill > 0) || (c->mood == WAITING && fill >= BATCH);

	if (due)
		c->mood = AWAKE;
	return due;
}

size_t console_write(struct console *c, const void *data, size_t len)
{
	size_t n = len;
	bool ring = false;

	mutex_lock(&c->lock);
	if (!c->dead) {
		n = put(c, data, len);
		if (n < len)
			c->starved = true;
		ring = bell_due(c);
	}
	mutex_unlock(&c->lock);
	if (ring)
		loop_event_signal(&c->bell);
	return n;
}

void console_say(struct console *c, const char *text)
{
	size_t len = strlen(text);
	bool ring = false;

	mutex_lock(&c->lock);
	if (!c->dead && RING_SIZE - (c->in - c->out) >= len) {
		(void)put(c, (const u8 *)text, len);
		ring = bell_due(c);
	}
	mutex_unlock(&c->lock);
	if (ring)
		loop_event_signal(&c->bell);
}

size_t console_room(struct console *c)
{
	size_t room;

	mutex_lock(&c->lock);
	room = c->dead ? RING_SIZE : RING_SIZE - (c->in - c->out);
	mutex_unlock(&c->lock);
	return room;
}

/* @n bytes have left, or the ring is dead. */
static void output_gone(struct console *c, size_t n, bool dead)
{
	bool wake;

	mutex_lock(&c->lock);
	c->out += n;
	c->pos = (c->pos + n) % RING_SIZE;
	if (c->in == c->out)
		c->pos = 0; /* a quiet console touches a few pages of the ring, not all */
	c->dead = dead;
	wake = c->starved && (dead || c->in - c->out <= RING_SIZE / 2);
	if (wake)
		c->starved = false;
	mutex_unlock(&c->lock);

	c->since = 0;
	if (wake && c->client)
		c->client->writable(c->client_ctx);
}

static void output_failed(struct console *c, int err)
{
	if (err == -ESHUTDOWN || err == -ECANCELED) {
		c->closed = true; /* not the reader's fault */
		return;
	}
	output_gone(c, 0, true);
	c->cfg.lost(c->cfg.ctx, err);
}

static void output_queued(struct console *c, int err)
{
	if (err < 0)
		output_failed(c, err);
	else
		c->out_busy = true;
}

static void write_done(struct loop_op *op, int res);

/* Everything up to the end of the ring in one piece; one at a time keeps the order. */
static void output_write(struct console *c)
{
	u64 len;

	mutex_lock(&c->lock);
	len = c->in - c->out;
	mutex_unlock(&c->lock);
	if (len > RING_SIZE - c->pos)
		len = RING_SIZE - c->pos;

	c->out_op.done = write_done;
	output_queued(c, loop_write(c->loop, &c->out_op, c->cfg.out_fd, c->ring + c->pos, (u32)len,
	                            LOOP_NO_OFFSET));
	c->writes += c->out_busy;
}

static void room_done(struct loop_op *op, int res)
{
	struct console *c = container_of(op, struct console, out_op);

	c->out_busy = false;
	if (res < 0 && res != -EINTR)
		output_failed(c, res);
	else
		output_write(c); /* POLLERR and POLLHUP too: the write knows the errno */
}

static void write_done(struct loop_op *op, int res)
{
	struct console *c = container_of(op, struct console, out_op);

	c->out_busy = false;
	if (res == -EAGAIN) {
		op->done = room_done;
		output_queued(c, loop_poll(c->loop, op, c->cfg.out_fd, POLLOUT));
	} else if (res == -EINTR) {
		output_write(c);
	} else if (res <= 0) {
		output_failed(c, res ? res : -EIO);
	} else {
		output_gone(c, (size_t)res, false);
		output_next(c, false);
	}
}

static void idle_done(struct loop_op *op, int res)
{
	struct console *c = container_of(op, struct console, idle_op);

	c->idle_busy = false;
	if (res == 0)
		output_next(c, true);
}

/* Return: whether there is a timer now that will come back to what is in the ring. */
static bool idle_wait(struct console *c, u64 in)
{
	if (!c->idle_busy && loop_timeout(c->loop, &c->idle_op, IDLE_NS) == 0) {
		c->idle_busy = true;
		c->seen = in;
	}
	return c->idle_busy;
}

/* Look at the ring and do what is due: write, wait, or sleep. @tick: the idle timer says so. */
static void output_next(struct console *c, bool tick)
{
	u64 now = now_ns(), in, fill;
	bool due;

	if (c->out_busy || c->closed)
		return;

	mutex_lock(&c->lock);
	in = c->in;
	fill = c->dead ? 0 : in - c->out;
	if (fill && !c->since)
		c->since = now;
	due = fill && (c->draining || fill >= BATCH || (tick && in == c->seen) ||
	               now - c->since >= c->max_age_ns);
	c->mood = due ? AWAKE : fill ? WAITING : ASLEEP;
	mutex_unlock(&c->lock);

	if (due || (fill && !idle_wait(c, in)))
		output_write(c);
}

static void drain_done(struct loop_op *op, int res)
{
	struct console *c = container_of(op, struct console, drain_op);

	c->drain_busy = false;
}

/* One turn of the loop, and one within @ns. */
static int drain_turn(struct console *c, u64 ns)
{
	if (ns && !c->drain_busy) {
		int err = loop_timeout(c->loop, &c->drain_op, ns);

		if (err < 0)
			return err;
		c->drain_busy = true;
	}
	return loop_turn(c->loop);
}

static size_t output_left(struct console *c)
{
	size_t left;

	mutex_lock(&c->lock);
	left = c->in - c->out;
	mutex_unlock(&c->lock);
	return left;
}

/* Also what comes meanwhile: a device that was refused hands on what it kept. */
size_t console_drain(struct console *c, u64 timeout_ns)
{
	u64 out = c->out, last = now_ns(), waited = 0;

	c->draining = true;
	output_next(c, false);
	while (output_left(c) > 0 && !c->dead && (!timeout_ns || waited < timeout_ns)) {
		if (drain_turn(c, timeout_ns ? timeout_ns - waited : 0) <= 0)
			break;
		if (out != c->out) {
			out = c->out;
			last = now_ns();
		}
		waited = now_ns() - last;
	}
	c->draining = false;
	loop_cancel(c->loop, &c->drain_op);
	return output_left(c);
}

u64 console_writes(const struct console *c)
{
	return c->writes;
}

static void bell_rung(struct loop_event *ev)
{
	struct console *c = container_of(ev, struct console, bell);

	output_next(c, false);
	console_input_turn(c);
}

int console_create(struct loop *l, const struct console_config *cfg, struct console **out)
{
	struct console *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;

	c->loop = l;
	c->cfg = *cfg;
	c->max_age_ns = isatty(cfg->out_fd) ? AGE_TTY_NS : AGE_NS;
	c->bell.fd = -1;
	c->idle_op.done = idle_done;
	c->drain_op.done = drain_done;
	mutex_init(&c->lock);
	c->ring = mmap(NULL, RING_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	err = c->ring == MAP_FAILED ? -ENOMEM : console_input_init(c);
	if (!err)
		err = loop_event_init(l, &c->bell, bell_rung);
	if (err < 0) {
		console_destroy(c);
		return err;
	}
	console_input_turn(c);
	*out = c;
	return 0;
}

void console_destroy(struct console *c)
{
	if (!c)
		return;
	loop_event_done(&c->bell);
	if (c->in_tty && c->cfg.raw)
		tty_restore(c->cfg.in_fd);
	if (c->ring != MAP_FAILED)
		must0(munmap(c->ring, RING_SIZE));
	mutex_done(&c->lock);
	free(c);
}
