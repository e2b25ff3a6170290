/* SPDX-License-Identifier: MIT */
/*
 * VIRTIO 1.2, 5.3 Console Device: one port, and none of the features. SIZE is
 * not among them: a host console is a pair of descriptors and has no size.
 */
#include "devices/virtio/console.h"

#include <errno.h>
#include <stdlib.h>

enum {
	RX, /* 5.3.2: receiveq(port0) */
	TX, /* transmitq(port0) */
	NR_QUEUES,
	QUEUE_SIZE = 64,
	CHAINS_MAX = QUEUE_SIZE, /* at once: then the loop's other users get their turn */
};

struct virtio_console {
	struct virtio v;
	struct console *host;

	/*
	 * Output that the host has not taken all of yet; with the device's lock.
	 * The chain is the driver's again only when the last byte is taken, so
	 * a slow host slows the guest down, and nothing is lost.
	 */
	struct virtq_chain tx;
	bool tx_held;
	u32 tx_piece; /* the piece to go on with, */
	size_t tx_offset; /* and where in it */

	struct virtq_chain rx; /* of the call being worked on */
};

/* Return: whether the host took all of the chain that is held. */
static bool send_held(struct virtio_console *c)
{
	while (c->tx_piece < c->tx.nr_out) {
		const struct iovec *p = &c->tx.iov[c->tx_piece];
		size_t left = p->iov_len - c->tx_offset;
		size_t n = console_write(c->host, (u8 *)p->iov_base + c->tx_offset, left);

		if (n < left) {
			c->tx_offset += n;
			return false; /* writable() will be called */
		}
		c->tx_piece++;
		c->tx_offset = 0;
	}
	return true;
}

/* Return: whether there is a chain in tx to send. */
static bool hold_next(struct virtio_console *c) REQUIRES(c->v.lock)
{
	if (!c->tx_held) {
		int err = virtq_pop(&c->v.q[TX], &c->tx);

		if (err < 0)
			virtio_broken(&c->v, "bad output request");
		c->tx_held = err > 0;
		c->tx_piece = 0;
		c->tx_offset = 0;
	}
	return c->tx_held;
}

static void transmit(struct virtio_console *c) REQUIRES(c->v.lock)
{
	struct virtq *q = &c->v.q[TX];
	u32 left = CHAINS_MAX;

	virtq_disable_kicks(q);
	while (left && hold_next(c) && send_held(c)) {
		virtq_push(q, c->tx.head, 0);
		c->tx_held = false;
		left--;
	}
	virtio_used(&c->v, TX);
	if (c->tx_held)
		return; /* no kick is wanted until writable() */
	if (virtq_enable_kicks(q))
		virtio_kick(&c->v, TX); /* more than one turn's worth, or it just came */
}

static void host_writable(void *ctx)
{
	struct virtio_console *c = ctx;

	virtio_lock(&c->v);
	if (virtio_queue_live(&c->v, TX))
		transmit(c);
	virtio_unlock(&c->v);
}

/* Return: bytes that went into one more of the driver's buffers, negative when there is none. */
static s64 receive_one(struct virtio_console *c, const u8 *data, size_t len) REQUIRES(c->v.lock)
{
	struct virtq *q = &c->v.q[RX];
	size_t n;
	int err;

	do {
		err = virtq_pop(q, &c->rx);
	} while (err == 0 && virtq_enable_kicks(q));
	if (err < 0)
		virtio_broken(&c->v, "bad input buffer");
	if (err <= 0)
		return -1;

	n = virtq_write(&c->rx, 0, data, len);
	virtq_push(q, c->rx.head, (u32)n);
	return (s64)n;
}

static size_t host_input(void *ctx, const u8 *data, size_t len)
{
	struct virtio_console *c = ctx;
	u32 left = CHAINS_MAX;
	size_t done = 0;
	s64 n = 0;

	virtio_lock(&c->v);
	if (virtio_queue_live(&c->v, RX)) {
		for (; done < len && left && n >= 0; left--) {
			n = receive_one(c, data + done, len - done);
			done += n > 0 ? (size_t)n : 0;
		}
		virtio_used(&c->v, RX);
		if (done < len && !left)
			console_input_ready(c->host);
	}
	virtio_unlock(&c->v);
	return done;
}

/* There is no such thing as a break in 5.3. */
static void host_break(void *ctx)
{
}

static const struct console_client_ops client_ops = {
	.input = host_input,
	.send_break = host_break,
	.writable = host_writable,
};

static void notify(void *dev, u32 queue)
{
	struct virtio_console *c = dev;

	mutex_assert_held(&c->v.lock);
	if (queue == TX)
		transmit(c);
	else
		console_input_ready(c->host);
}

/* What waits for the driver begins with the kicks that follow this. */
static void driver_ok(void *dev)
{
}

static void reset(void *dev)
{
	struct virtio_console *c = dev;

	c->tx_held = false;
}

/* 5.3.4: every field belongs to a feature that is not offered. */
static void read_config(void *dev, u32 offset, void *buf, u32 len)
{
}

static void write_config(void *dev, u32 offset, const void *buf, u32 len)
{
}

static const struct virtio_ops ops = {
	.device_id = 3,
	.nr_queues = NR_QUEUES,
	.queue_size = QUEUE_SIZE,
	.read_config = read_config,
	.write_config = write_config,
	.driver_ok = driver_ok,
	.notify = notify,
	.reset = reset,
};

int virtio_console_create(struct console *host, struct loop *loop, const struct gmem *mem,
                          struct virtio_console **out)
{
	struct virtio_console *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;

	c->host = host;
	err = virtio_init(&c->v, &ops, c, 0, loop, mem);
	if (err < 0) {
		virtio_console_destroy(c);
		return err;
	}
	console_attach(host, &client_ops, c);
	*out = c;
	return 0;
}

void virtio_console_destroy(struct virtio_console *c)
{
	if (!c)
		return;
	virtio_done(&c->v);
	free(c);
}

struct virtio *virtio_console_dev(struct virtio_console *c)
{
	return &c->v;
}
