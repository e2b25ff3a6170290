/* SPDX-License-Identifier: MIT */
#include "devices/virtio/net.h"

#include <endian.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "machine/base/log.h"

/* VIRTIO 1.2, 5.1.2. */
enum { RX, TX, NR_QUEUES };

enum {
	QUEUE_SIZE = 256,
	HDR = sizeof(struct virtio_net_hdr_mrg_rxbuf), /* 12; 5.1.6 */
	/* 5.1.6.3: Ethernet header, IPv6 header, the longest payload of that. */
	PACKET_MAX = ETH_HLEN + 40 + 65535,
	PACKETS_A_TURN = 64, /* then the machine's other devices have theirs */
};

#define FEATURE(name) (1ull << VIRTIO_NET_F_##name)

/*
 * Both directions move packets on the loop's thread, under dev.lock and with a
 * non-blocking system call straight from and to guest memory: one call a
 * packet, in order, with nothing in flight that a reset would have to wait for.
 * The ring could fold a burst of writes into one call; it would take a
 * completion and a record of its own for each packet and lose their order when
 * the tap is full, for the one case that segmentation offload makes rare.
 */
struct virtio_net {
	struct virtio v;
	struct virtio_net_config_in cfg;
	struct virtio_net_config config; /* as the driver reads it */
	struct loop_op polling[NR_QUEUES]; /* the tap can be read, written */
	bool waiting[NR_QUEUES]; /* ... is in flight */
	bool lost; /* the tap is gone */
	bool error_said;

	struct virtq_chain chain; /* of the packet being sent, or the first of one received */

	/* A packet received and not yet given to the driver; nr_chains 0: none. */
	struct virtq_chain more;
	struct virtio_net_hdr_mrg_rxbuf hdr;
	u64 len, placed; /* bytes without header; how many are in guest memory */
	u64 first_room; /* bytes of it that the first chain takes; the rest is in buf */
	u16 nr_chains;
	struct iovec iov[VIRTQ_SIZE_MAX + 2];
	u8 buf[PACKET_MAX]; /* touched only as far as packets outgrow their first chain */
};

static void wait_for_tap(struct virtio_net *n, u32 queue)
{
	u32 events = queue == RX ? POLLIN : POLLOUT;

	if (!n->waiting[queue])
		n->waiting[queue] =
			loop_poll(n->v.loop, &n->polling[queue], n->cfg.fd, events) == 0;
}

static void say_once(struct virtio_net *n, const char *what, int err)
{
	if (!n->error_said)
		log_at(LOG_DEBUG, "virtio-net: %s: error %d", what, -err);
	n->error_said = true;
}

/* Cable pulled: a descriptor that only ever fails would keep poll() busy. VIRTIO 1.2, 5.1.4. */
static void tap_lost(struct virtio_net *n, int err) REQUIRES(n->v.lock)
{
	say_once(n, "tap lost", err);
	n->lost = true;
	n->config.status = 0;
	virtio_config_changed(&n->v);
}

/* Return: 0 also for a packet that the tap does not take: it is dropped; or -EAGAIN. */
static int send_packet(struct virtio_net *n)
{
	ssize_t r;

	do {
		r = writev(n->cfg.fd, n->chain.iov, (int)n->chain.nr_out);
	} while (r < 0 && errno == EINTR);
	if (r >= 0)
		return 0;
	if (errno == EAGAIN)
		return -EAGAIN;
	say_once(n, "packet not sent", -errno);
	return 0;
}

/* Return: 1 when a packet has gone, 0 when there is none, -EAGAIN, or -EPROTO. */
static int transmit_one(struct virtio_net *n) REQUIRES(n->v.lock)
{
	struct virtq *q = &n->v.q[TX];
	int r = virtq_pop(q, &n->chain);

	if (r <= 0)
		return r;
	/* What the header asks for is the tap's to check; that there is one is ours. */
	if (n->chain.out_len < HDR)
		return -EPROTO;
	r = send_packet(n);
	if (r < 0) {
		virtq_unpop(q);
		return r;
	}
	virtq_push(q, n->chain.head, 0);
	return 1;
}

/*
 * The packet just read must not ask of the driver what it does not know: 5.1.6.4.1.
 * The tap was told, but packets may have waited in it from before.
 */
static bool driver_understands(struct virtio_net *n)
{
	struct virtio_net_hdr *h = &n->hdr.hdr;

	if (!virtio_has(&n->v, FEATURE(GUEST_CSUM))) {
		if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
			return false;
		h->flags = 0;
	}
	switch (h->gso_type) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return virtio_has(&n->v, FEATURE(GUEST_TSO4));
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return virtio_has(&n->v, FEATURE(GUEST_TSO6));
	default:
		return false;
	}
}

/*
 * Header to us, the packet to the first chain behind the place of the header,
 * what does not fit there to buf: one call, and no copy of a packet that fits.
 * Return: bytes of the packet, or a negative errno.
 */
static ssize_t read_packet(struct virtio_net *n)
{
	const struct virtq_chain *c = &n->chain;
	struct iovec *to = n->iov;
	u64 skip = HDR;
	ssize_t r;

	*to++ = (struct iovec){ &n->hdr, HDR };
	for (u32 i = c->nr_out; i < c->nr_out + c->nr_in; i++) {
		struct iovec v = c->iov[i];
		u64 k = v.iov_len < skip ? v.iov_len : skip;

		skip -= k;
		if (v.iov_len > k)
			*to++ = (struct iovec){ (u8 *)v.iov_base + k, v.iov_len - k };
	}
	n->first_room = c->in_len - HDR;
	if (n->first_room < PACKET_MAX)
		*to++ = (struct iovec){ n->buf, PACKET_MAX - n->first_room };

	do {
		r = readv(n->cfg.fd, n->iov, (int)(to - n->iov));
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	if (r == 0)
		return -EPIPE;
	return r < HDR ? 0 : r - HDR;
}

/* Return: 1 with a packet begun or dropped, 0 without a buffer, or a negative errno. */
static int receive_first(struct virtio_net *n) REQUIRES(n->v.lock)
{
	struct virtq *q = &n->v.q[RX];
	int err = virtq_pop(q, &n->chain);
	ssize_t len;

	if (err <= 0)
		return err;
	if (n->chain.in_len < HDR)
		return -EPROTO;
	len = read_packet(n);
	if (len <= 0 || !driver_understands(n) ||
	    ((u64)len > n->first_room && !virtio_has(&n->v, FEATURE(MRG_RXBUF)))) {
		virtq_unpop(q);
		return len < 0 ? (int)len : 1;
	}
	n->len = (u64)len;
	n->placed = n->len < n->first_room ? n->len : n->first_room;
	n->nr_chains = 1;
	virtq_fill(q, n->chain.head, (u32)(HDR + n->placed), 0);
	return 1;
}

static void drop_begun(struct virtio_net *n) REQUIRES(n->v.lock)
{
	for (; n->nr_chains; n->nr_chains--)
		virtq_unpop(&n->v.q[RX]);
}

/* Return: 1 when the packet has been given to the driver, 0 without a buffer, or -EPROTO. */
static int receive_rest(struct virtio_net *n) REQUIRES(n->v.lock)
{
	struct virtq *q = &n->v.q[RX];

	while (n->placed < n->len) {
		int r;

		if (n->nr_chains >= q->size) {
			drop_begun(n); /* all the buffers there can be do not hold it */
			return 1;
		}
		r = virtq_pop(q, &n->more);
		if (r <= 0)
			return r;
		if (n->more.in_len < HDR)
			return -EPROTO; /* 5.1.6.3.1: no smaller than a header, also without */
		r = (int)virtq_write(&n->more, 0, n->buf + (n->placed - n->first_room),
		                     n->len - n->placed);
		virtq_fill(q, n->more.head, (u32)r, n->nr_chains++);
		n->placed += (u64)r;
	}
	n->hdr.num_buffers = htole16(n->nr_chains);
	(void)virtq_write(&n->chain, 0, &n->hdr, HDR);
	virtq_flush(q, n->nr_chains);
	n->nr_chains = 0;
	return 1;
}

static int receive_one(struct virtio_net *n) REQUIRES(n->v.lock)
{
	int r = n->nr_chains ? 1 : receive_first(n);

	return r > 0 && n->nr_chains ? receive_rest(n) : r;
}

/*
 * Work off one queue: until it is empty, then a kick comes; until the tap has
 * nothing or takes nothing, then the loop tells; or until others should have a
 * turn, then the loop tells at once, at no extra call.
 */
static void run_queue(struct virtio_net *n, u32 queue) REQUIRES(n->v.lock)
{
	struct virtq *q = &n->v.q[queue];
	u32 budget = PACKETS_A_TURN;
	int r = 1;

	do {
		virtq_disable_kicks(q);
		do {
			r = queue == RX ? receive_one(n) : transmit_one(n);
		} while (r > 0 && --budget);
	} while (r == 0 && virtq_enable_kicks(q));

	if (r > 0 || r == -EAGAIN)
		wait_for_tap(n, queue);
	else if (r < 0 && r != -EPROTO)
		tap_lost(n, r);
	if (r == -EPROTO)
		virtio_broken(&n->v, "ring or buffer");
	else
		virtio_used(&n->v, queue);
}

static void run_if_live(struct virtio_net *n, u32 queue) REQUIRES(n->v.lock)
{
	/* While the tap is waited for a kick changes nothing; a lost one still swallows packets. */
	if (n->waiting[queue] || (queue == RX && n->lost) || !virtio_queue_live(&n->v, queue))
		return;
	run_queue(n, queue);
}

static void poll_done(struct virtio_net *n, u32 queue, int res)
{
	virtio_lock(&n->v);
	n->waiting[queue] = false;
	if (res >= 0)
		run_if_live(n, queue);
	else if (res != -ECANCELED && !n->lost)
		tap_lost(n, res);
	virtio_unlock(&n->v);
}

static void readable(struct loop_op *op, int res)
{
	poll_done(container_of(op, struct virtio_net, polling[RX]), RX, res);
}

static void writable(struct loop_op *op, int res)
{
	poll_done(container_of(op, struct virtio_net, polling[TX]), TX, res);
}

static void notify(void *dev, u32 queue)
{
	struct virtio_net *n = dev;

	mutex_assert_held(&n->v.lock);
	run_if_live(n, queue);
}

static void read_config(void *dev, u32 offset, void *buf, u32 len)
{
	const struct virtio_net *n = dev;

	memcpy(buf, (const u8 *)&n->config + offset, len);
}

/* VIRTIO 1.2, 5.1.4: read-only for the driver. */
static void write_config(void *dev, u32 offset, const void *buf, u32 len)
{
}

static void driver_ok(void *dev)
{
	struct virtio_net *n = dev;

	mutex_assert_held(&n->v.lock);
	if (n->cfg.set_offload)
		n->cfg.set_offload(n->cfg.fd, virtio_has(&n->v, FEATURE(GUEST_CSUM)),
		                   virtio_has(&n->v, FEATURE(GUEST_TSO4)),
		                   virtio_has(&n->v, FEATURE(GUEST_TSO6)));
}

static void reset(void *dev)
{
	struct virtio_net *n = dev;

	n->nr_chains = 0;
}

static const struct virtio_ops net_ops = {
	.device_id = VIRTIO_ID_NET,
	.nr_queues = NR_QUEUES,
	.queue_size = QUEUE_SIZE,
	.config_size = offsetof(struct virtio_net_config, max_virtqueue_pairs),
	.read_config = read_config,
	.write_config = write_config,
	.driver_ok = driver_ok,
	.notify = notify,
	.reset = reset,
};

int virtio_net_create(const struct virtio_net_config_in *cfg, struct loop *loop,
                      const struct gmem *mem, struct virtio_net **out)
{
	u64 features = FEATURE(MAC) | FEATURE(STATUS) | FEATURE(MRG_RXBUF);
	struct virtio_net *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;

	n->cfg = *cfg;
	memcpy(n->config.mac, cfg->mac, sizeof(n->config.mac));
	n->config.status = htole16(VIRTIO_NET_S_LINK_UP);
	n->polling[RX].done = readable;
	n->polling[TX].done = writable;
	if (cfg->offload)
		features |= FEATURE(CSUM) | FEATURE(HOST_TSO4) | FEATURE(HOST_TSO6) |
		            FEATURE(GUEST_CSUM) | FEATURE(GUEST_TSO4) | FEATURE(GUEST_TSO6);

	err = virtio_init(&n->v, &net_ops, n, features, loop, mem);
	if (err < 0) {
		virtio_net_destroy(n);
		return err;
	}
	*out = n;
	return 0;
}

void virtio_net_destroy(struct virtio_net *n)
{
	if (!n)
		return;
	virtio_done(&n->v);
	free(n);
}

struct virtio *virtio_net_dev(struct virtio_net *n)
{
	return &n->v;
}
