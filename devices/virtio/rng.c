/* SPDX-License-Identifier: MIT */
#include "devices/virtio/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "machine/base/bits.h"

enum {
	QUEUE = 0, /* VIRTIO 1.2, 5.4.2 */
	QUEUE_SIZE = 16,
	TURN_MAX = 64 * KIB, /* bytes, then the loop's other users get their turn */
	REQUESTS_MAX = QUEUE_SIZE, /* likewise: a request may be of no bytes */
};

#define RETRY_NS 50000000ull /* while the host itself has no entropy yet */

struct virtio_rng {
	struct virtio v;
	struct loop_op retry;
	bool retrying; /* with the device's lock */
	struct virtq_chain chain; /* of the notification being worked on */
};

/* Return: bytes of entropy, fewer than @len only when the host has none to give. */
static size_t entropy(u8 *buf, size_t len)
{
	size_t done = 0;
	ssize_t n = 1;

	/* A signal, io_uring's wake-ups included, ends a long call early. */
	while (done < len && n > 0) {
		n = getrandom(buf + done, len - done, GRND_NONBLOCK);
		done += n > 0 ? (size_t)n : 0;
	}
	return done;
}

/* Return: bytes put into the chain. */
static u32 fill(const struct virtq_chain *c, u32 max)
{
	size_t done = 0;

	for (u32 i = c->nr_out; i < c->nr_out + c->nr_in && done < max; i++) {
		size_t len = c->iov[i].iov_len < max - done ? c->iov[i].iov_len : max - done;
		size_t n = entropy(c->iov[i].iov_base, len);

		done += n;
		if (n < len)
			break; /* the answer may be short (5.4.6.1), but not have a hole */
	}
	return (u32)done;
}

static void retry_later(struct virtio_rng *r)
{
	if (!r->retrying)
		r->retrying = loop_timeout(r->v.loop, &r->retry, RETRY_NS) == 0;
}

/* Return: false when there is nothing left to do just now. */
static bool serve(struct virtio_rng *r, u32 *budget) REQUIRES(r->v.lock)
{
	struct virtq *q = &r->v.q[QUEUE];
	int err = virtq_pop(q, &r->chain);
	u32 n = 0;

	if (err < 0)
		virtio_broken(&r->v, "bad request");
	if (err <= 0)
		return false;

	if (r->chain.in_len) {
		n = fill(&r->chain, *budget);
		if (n == 0) {
			/* 5.4.6.1: at least one byte, so this one has to wait. */
			virtq_unpop(q);
			retry_later(r);
			return false;
		}
	}
	virtq_push(q, r->chain.head, n);
	*budget -= n;
	return true;
}

static void notify(void *dev, u32 queue)
{
	struct virtio_rng *r = dev;
	u32 budget = TURN_MAX, left = REQUESTS_MAX;

	mutex_assert_held(&r->v.lock);
	while (budget && left && serve(r, &budget))
		left--;
	virtio_used(&r->v, queue);
	if (r->retrying)
		return;
	if (virtq_enable_kicks(&r->v.q[queue]))
		virtio_kick(&r->v, queue); /* more than one turn's worth, or it just came */
}

static void retry_done(struct loop_op *op, int res)
{
	struct virtio_rng *r = container_of(op, struct virtio_rng, retry);

	virtio_lock(&r->v);
	r->retrying = false;
	if (res == 0 && virtio_queue_live(&r->v, QUEUE))
		notify(r, QUEUE);
	virtio_unlock(&r->v);
}

/* 5.4.4: there is no configuration. */
static void read_config(void *dev, u32 offset, void *buf, u32 len)
{
}

static void write_config(void *dev, u32 offset, const void *buf, u32 len)
{
}

static void nothing(void *dev)
{
}

static const struct virtio_ops ops = {
	.device_id = 4,
	.nr_queues = 1,
	.queue_size = QUEUE_SIZE,
	.read_config = read_config,
	.write_config = write_config,
	.driver_ok = nothing,
	.notify = notify,
	.reset = nothing,
};

int virtio_rng_create(struct loop *loop, const struct gmem *mem, struct virtio_rng **out)
{
	struct virtio_rng *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;

	r->retry.done = retry_done;
	err = virtio_init(&r->v, &ops, r, 0, loop, mem);
	if (err < 0) {
		virtio_rng_destroy(r);
		return err;
	}
	*out = r;
	return 0;
}

void virtio_rng_destroy(struct virtio_rng *r)
{
	if (!r)
		return;
	virtio_done(&r->v);
	free(r);
}

struct virtio *virtio_rng_dev(struct virtio_rng *r)
{
	return &r->v;
}
