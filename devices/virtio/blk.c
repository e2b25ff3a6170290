/* SPDX-License-Identifier: MIT */
#include "devices/virtio/blk.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "machine/base/bits.h"
#include "machine/base/log.h"

enum {
	SECTOR = 512, /* the unit of the protocol, whatever blk_size says: VIRTIO 1.2, 5.2.5 */
	QUEUE_SIZE = 128,
	SEG_MAX = QUEUE_SIZE - 2, /* header and status have a descriptor each, mostly */
	/* A driver that never stops asking must not keep the loop from the other devices. */
	REQUESTS_A_TURN = 64,
	BOUNCE_SIZE = 64 * 1024, /* bytes at a time of a request that O_DIRECT cannot take */
};

#define FEATURE(name) (1ull << VIRTIO_BLK_F_##name)

/* A request on its way. The chain it came in is not kept, only what is needed of it. */
struct blk_req {
	struct loop_op op;
	struct virtio_blk *b;
	struct blk_req *next_free;
	u8 *status; /* guest memory: the last device-writable byte */
	u64 in_room; /* device-writable bytes before it */
	u64 offset; /* bytes, in the file */
	u64 len; /* bytes asked for */
	u64 done; /* bytes moved */
	u32 type; /* VIRTIO_BLK_T_* */
	u16 head;
	bool syncing; /* op is an fdatasync */
	u8 *bounce; /* BOUNCE_SIZE bytes; NULL: straight between file and guest */
	struct iovec bounced; /* what of it is in flight */
	struct iovec *iov; /* in seg: what is left, in guest memory */
	u32 nr;
	struct iovec seg[QUEUE_SIZE]; /* virtq_pop(): no chain is longer than the queue */
};

struct virtio_blk {
	struct virtio v;
	struct virtio_blk_config_in cfg;
	u64 sectors;
	char id[VIRTIO_BLK_ID_BYTES];
	struct virtio_blk_config config; /* as the driver reads it */
	bool host_error_said;

	struct virtq_chain chain; /* the one being looked at */
	struct blk_req *free; /* used before; taken first, so that few are ever touched */
	u32 fresh; /* req[fresh..] were never used and cost no memory */
	struct blk_req req[QUEUE_SIZE];
};

static void req_done(struct loop_op *op, int res);

static struct blk_req *req_get(struct virtio_blk *b)
{
	struct blk_req *r = b->free;

	if (r)
		b->free = r->next_free;
	else
		r = &b->req[b->fresh++];
	return r;
}

static void req_put(struct blk_req *r)
{
	free(r->bounce);
	r->bounce = NULL;
	r->next_free = r->b->free;
	r->b->free = r;
}

static bool req_available(const struct virtio_blk *b)
{
	return b->free || b->fresh < QUEUE_SIZE;
}

/* Where the status goes; it may share a descriptor with data (2.7.4.3). */
static u8 *last_in_byte(const struct virtq_chain *c)
{
	for (u32 i = c->nr_out + c->nr_in; i > c->nr_out; i--) {
		const struct iovec *v = &c->iov[i - 1];

		if (v->iov_len)
			return (u8 *)v->iov_base + v->iov_len - 1;
	}
	return NULL;
}

/* The request's data: @r->len bytes that begin @skip bytes into the pieces, which hold them. */
static void take_data(struct blk_req *r, const struct iovec *from, u32 nr, u64 skip)
{
	u64 left = r->len;

	r->iov = r->seg;
	r->nr = 0;
	for (u32 i = 0; i < nr && left; i++) {
		u64 n = from[i].iov_len;

		if (skip >= n) {
			skip -= n;
			continue;
		}
		n = n - skip < left ? n - skip : left;
		r->seg[r->nr++] = (struct iovec){ (u8 *)from[i].iov_base + skip, n };
		left -= n;
		skip = 0;
	}
}

/* Between the bounce buffer and the front of what is left, @n bytes. */
static void copy(const struct blk_req *r, bool to_guest, u64 n)
{
	u8 *p = r->bounce;

	for (u32 i = 0; n; i++) {
		u64 k = r->iov[i].iov_len < n ? r->iov[i].iov_len : n;

		if (to_guest)
			memcpy(r->iov[i].iov_base, p, k);
		else
			memcpy(p, r->iov[i].iov_base, k);
		p += k;
		n -= k;
	}
}

/* open(2), O_DIRECT: address, length and offset each. */
static int bounce_if_needed(struct blk_req *r)
{
	u64 block = r->b->cfg.block_size;

	for (u32 i = 0; i < r->nr; i++) {
		void *p;

		if (is_aligned((uintptr_t)r->iov[i].iov_base | r->iov[i].iov_len, block))
			continue;
		if (posix_memalign(&p, block, BOUNCE_SIZE) != 0)
			return -ENOMEM;
		r->bounce = p;
		break;
	}
	return 0;
}

/* Queue what is left of the data. Return: 1 or a negative errno. */
static int move_data(struct blk_req *r)
{
	const struct virtio_blk *b = r->b;
	const struct iovec *iov = r->iov;
	u64 at = r->offset + r->done;
	u32 nr = r->nr;
	int err;

	if (r->bounce) {
		u64 left = r->len - r->done;

		r->bounced = (struct iovec){ r->bounce, left < BOUNCE_SIZE ? left : BOUNCE_SIZE };
		if (r->type == VIRTIO_BLK_T_OUT)
			copy(r, false, r->bounced.iov_len);
		iov = &r->bounced;
		nr = 1;
	}
	if (r->type == VIRTIO_BLK_T_OUT)
		err = loop_writev(b->v.loop, &r->op, b->cfg.fd, iov, nr, at);
	else
		err = loop_readv(b->v.loop, &r->op, b->cfg.fd, iov, nr, at);
	return err < 0 ? err : 1;
}

static int sync_data(struct blk_req *r)
{
	int err = loop_fdatasync(r->b->v.loop, &r->op, r->b->cfg.fd);

	r->syncing = true;
	return err < 0 ? err : 1;
}

/* @n bytes have been moved. */
static void data_moved(struct blk_req *r, u64 n)
{
	if (r->bounce && r->type == VIRTIO_BLK_T_IN)
		copy(r, true, n);
	r->done += n;
	while (n) {
		u64 k = r->iov->iov_len < n ? r->iov->iov_len : n;

		r->iov->iov_base = (u8 *)r->iov->iov_base + k;
		r->iov->iov_len -= k;
		n -= k;
		if (!r->iov->iov_len) {
			r->iov++;
			r->nr--;
		}
	}
}

/* VIRTIO 1.2, 5.2.6: in sectors, within the capacity; 5.2.6.2: never to a read-only disk. */
static int begin_rw(struct blk_req *r, u64 sector)
{
	const struct virtio_blk *b = r->b;
	const struct virtq_chain *c = &b->chain;
	bool out = r->type == VIRTIO_BLK_T_OUT;
	int err;

	r->len = out ? c->out_len - sizeof(struct virtio_blk_outhdr) : r->in_room;
	if (out && b->cfg.read_only)
		return -EROFS;
	if (!r->len || !is_aligned(r->len, SECTOR))
		return -EINVAL;
	if (sector > b->sectors || r->len / SECTOR > b->sectors - sector)
		return -ERANGE;
	r->offset = sector * SECTOR;
	/* blk_size told the driver; less would need a read before the write, and a lock. */
	if (b->cfg.direct && !is_aligned(r->offset | r->len, b->cfg.block_size))
		return -EINVAL;

	if (out)
		take_data(r, c->iov, c->nr_out, sizeof(struct virtio_blk_outhdr));
	else
		take_data(r, c->iov + c->nr_out, c->nr_in, 0);
	err = b->cfg.direct ? bounce_if_needed(r) : 0;
	return err < 0 ? err : move_data(r);
}

static int tell_id(struct blk_req *r)
{
	u64 len = r->in_room < VIRTIO_BLK_ID_BYTES ? r->in_room : VIRTIO_BLK_ID_BYTES;

	r->done = virtq_write(&r->b->chain, 0, r->b->id, len);
	return 0;
}

/* Return: 1 and done() will come, 0 when the request is complete, or a negative errno. */
static int begin(struct blk_req *r, u64 sector)
{
	switch (r->type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		return begin_rw(r, sector);
	case VIRTIO_BLK_T_FLUSH:
		/* Covers each write that was answered before: those are in the page cache. */
		return sync_data(r);
	case VIRTIO_BLK_T_GET_ID:
		return tell_id(r);
	default:
		return -EOPNOTSUPP;
	}
}

/*
 * VIRTIO 1.2, 5.2.6, and 2.7.8.2 for the length: how much is valid from the
 * start on, so the status counts only when the data before it is whole.
 */
static void answer(struct blk_req *r, int err)
{
	u64 in = r->type == VIRTIO_BLK_T_OUT ? 0 : r->done;

	if (in == r->in_room)
		in++;
	*r->status = err == 0             ? VIRTIO_BLK_S_OK
	             : err == -EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP
	                                  : VIRTIO_BLK_S_IOERR;
	virtq_push(&r->b->v.q[0], r->head, (u32)in);
}

/* Take up the request in b->chain. Return: false when it leaves nowhere to answer to. */
static bool start(struct virtio_blk *b) REQUIRES(b->v.lock)
{
	const struct virtq_chain *c = &b->chain;
	struct virtio_blk_outhdr h;
	u8 *status = last_in_byte(c);
	struct blk_req *r;
	int err;

	if (!status || virtq_read(c, 0, &h, sizeof(h)) < sizeof(h))
		return false;

	r = req_get(b);
	r->op.done = req_done;
	r->b = b;
	r->status = status;
	r->in_room = c->in_len - 1;
	r->len = r->done = 0;
	r->type = le32toh(h.type);
	r->head = c->head;
	r->syncing = false;
	err = begin(r, le64toh(h.sector));
	if (err > 0) {
		virtio_get(&b->v);
	} else {
		answer(r, err);
		req_put(r);
	}
	return true;
}

static void run_queue(struct virtio_blk *b) REQUIRES(b->v.lock)
{
	struct virtq *q = &b->v.q[0];
	u32 budget = REQUESTS_A_TURN;
	bool ok = true;
	int r = 0;

	do {
		virtq_disable_kicks(q);
		while (ok && budget && req_available(b)) {
			r = virtq_pop(q, &b->chain);
			if (r <= 0)
				break;
			ok = start(b);
			budget--;
		}
		/* Without a free request there is no need of kicks: done() looks again. */
	} while (ok && r == 0 && req_available(b) && virtq_enable_kicks(q));

	if (r < 0 || !ok) {
		virtio_broken(&b->v, r < 0 ? "ring" : "request without header or status");
		return;
	}
	if (!budget)
		virtio_kick(&b->v, 0);
	virtio_used(&b->v, 0);
}

/* Return: 1 when more I/O is on its way, 0 when the request is complete, or a negative errno. */
static int proceed(struct virtio_blk *b, struct blk_req *r, int res) REQUIRES(b->v.lock)
{
	if (res < 0 && res != -EINTR)
		return res;
	if (r->syncing)
		return res == -EINTR ? sync_data(r) : 0;
	if (res == 0)
		return -EIO; /* the file has become shorter than the disk */
	if (res > 0)
		data_moved(r, (u64)res);
	if (r->done < r->len)
		return virtio_queue_live(&b->v, 0) ? move_data(r) : -ECANCELED;
	/* 5.2.6.2: without FLUSH a write is stable when it is answered. */
	if (r->type == VIRTIO_BLK_T_OUT && !virtio_has(&b->v, FEATURE(FLUSH)))
		return sync_data(r);
	return 0;
}

static void req_done(struct loop_op *op, int res)
{
	struct blk_req *r = container_of(op, struct blk_req, op);
	struct virtio_blk *b = r->b;
	int err;

	virtio_lock(&b->v);
	err = proceed(b, r, res);
	if (err < 0 && err != -ECANCELED && !b->host_error_said) {
		b->host_error_said = true;
		log_at(LOG_DEBUG, "virtio-blk: I/O error %d at byte %llu, told to the guest", -err,
		       r->offset + r->done);
	}
	if (err <= 0) {
		bool starved = !req_available(b);

		if (virtio_queue_live(&b->v, 0))
			answer(r, err < 0 ? -EIO : 0);
		req_put(r);
		virtio_put(&b->v);
		if (starved && virtio_queue_live(&b->v, 0))
			run_queue(b);
		else
			virtio_used(&b->v, 0);
	}
	virtio_unlock(&b->v);
}

static void notify(void *dev, u32 queue)
{
	struct virtio_blk *b = dev;

	mutex_assert_held(&b->v.lock);
	run_queue(b);
}

static void read_config(void *dev, u32 offset, void *buf, u32 len)
{
	const struct virtio_blk *b = dev;

	memcpy(buf, (const u8 *)&b->config + offset, len);
}

/* Nothing in it is the driver's to write. */
static void write_config(void *dev, u32 offset, const void *buf, u32 len)
{
}

static void driver_ok(void *dev)
{
}

/* All that is in flight has come back: each request returned itself. */
static void reset(void *dev)
{
}

static const struct virtio_ops blk_ops = {
	.device_id = VIRTIO_ID_BLOCK,
	.nr_queues = 1,
	.queue_size = QUEUE_SIZE,
	.config_size = sizeof(struct virtio_blk_config),
	.read_config = read_config,
	.write_config = write_config,
	.driver_ok = driver_ok,
	.notify = notify,
	.reset = reset,
};

static bool usable(const struct virtio_blk_config_in *cfg)
{
	u32 bs = cfg->block_size;

	return bs >= SECTOR && bs <= BOUNCE_SIZE && (bs & (bs - 1)) == 0;
}

int virtio_blk_create(const struct virtio_blk_config_in *cfg, struct loop *loop,
                      const struct gmem *mem, struct virtio_blk **out)
{
	u64 features = FEATURE(SEG_MAX) | FEATURE(BLK_SIZE) | FEATURE(FLUSH);
	struct virtio_blk *b;
	int err;

	if (!usable(cfg))
		return -EINVAL;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;

	b->cfg = *cfg;
	b->cfg.serial = NULL;
	b->sectors = align_down(cfg->size, cfg->block_size) / SECTOR;
	b->config.capacity = htole64(b->sectors);
	b->config.seg_max = htole32(SEG_MAX);
	b->config.blk_size = htole32(cfg->block_size);
	if (cfg->serial)
		memcpy(b->id, cfg->serial, strnlen(cfg->serial, sizeof(b->id)));
	if (cfg->read_only)
		features |= FEATURE(RO);

	err = virtio_init(&b->v, &blk_ops, b, features, loop, mem);
	if (err < 0) {
		virtio_blk_destroy(b);
		return err;
	}
	*out = b;
	return 0;
}

void virtio_blk_destroy(struct virtio_blk *b)
{
	if (!b)
		return;
	virtio_done(&b->v);
	free(b);
}

struct virtio *virtio_blk_dev(struct virtio_blk *b)
{
	return &b->v;
}
