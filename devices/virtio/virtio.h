/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_VIRTIO_VIRTIO_H
#define DEVICES_VIRTIO_VIRTIO_H

#include "devices/loop.h"
#include "devices/virtio/queue.h"
#include "machine/base/compiler.h"
#include "machine/base/lock.h"
#include "machine/base/types.h"

/*
 * What every virtio device is, whatever bus it sits on: status, features,
 * queues (VIRTIO 1.2, 2.1, 2.2, 3.1). A transport (virtio/mmio.c) turns
 * registers into the calls below; a device (virtio/blk.c, ...) fills in
 * struct virtio_ops.
 *
 *   vCPU thread: registers ----> transport ---> virtio_set_status() ...   under dev.lock
 *   KVM ioeventfd, loop thread -> virtio_kicked() -> ops->notify()        under dev.lock
 *   loop thread: an op's done() -> device takes dev.lock with virtio_lock()
 *
 * Guest memory is touched by host I/O only between virtio_get() and
 * virtio_put(); a reset waits, on the vCPU's thread, until all of it is put
 * back, so that a driver may reuse its buffers when the write of 0 to the
 * status register returns.
 */
enum { VIRTIO_QUEUES_MAX = 4 };

#define VIRTIO_F_INDIRECT_DESC_BIT (1ull << 28)
#define VIRTIO_F_EVENT_IDX_BIT     (1ull << 29)
#define VIRTIO_F_VERSION_1_BIT     (1ull << 32)

/* Device status, VIRTIO 1.2, 2.1. */
enum {
	VIRTIO_ACKNOWLEDGE = 1,
	VIRTIO_DRIVER = 2,
	VIRTIO_DRIVER_OK = 4,
	VIRTIO_FEATURES_OK = 8,
	VIRTIO_NEEDS_RESET = 64,
	VIRTIO_FAILED = 128,
};

/* All with dev.lock held. Every slot is filled. */
struct virtio_ops {
	u32 device_id; /* VIRTIO 1.2, 5 */
	u32 nr_queues;
	u16 queue_size; /* descriptors, a power of two up to VIRTQ_SIZE_MAX */
	u32 config_size; /* bytes of device configuration; reads past it give zero */

	/* @offset + @len is within config_size. Any thread. */
	void (*read_config)(void *dev, u32 offset, void *buf, u32 len);
	void (*write_config)(void *dev, u32 offset, const void *buf, u32 len);

	/* Features are final, ready queues are live and will all be notified; vCPU thread. */
	void (*driver_ok)(void *dev);
	void (*notify)(void *dev, u32 queue); /* loop thread; the queue is ready and not broken */
	/* vCPU or loop thread; nothing of the guest's is in flight any more */
	void (*reset)(void *dev);
};

struct virtio_bus_ops {
	void (*queue_interrupt)(void *bus); /* used buffers; any thread, dev.lock held */
	void (*config_interrupt)(void *bus); /* configuration or NEEDS_RESET; likewise */
};

struct virtio {
	const struct virtio_ops *ops;
	void *dev;
	const struct virtio_bus_ops *bus_ops; /* set by the transport before the guest runs */
	void *bus;
	struct loop *loop;

	struct mutex lock; /* dev.lock in machine/base/lock.h */
	struct cond idle; /* inflight reached 0 */
	u32 inflight GUARDED_BY(lock);
	bool resetting GUARDED_BY(lock); /* somebody waits for idle in a reset: nothing is live */
	u64 offered; /* device features; constant after virtio_init() */
	u64 negotiated GUARDED_BY(lock);
	u8 status GUARDED_BY(lock);
	u32 config_generation GUARDED_BY(lock);
	struct virtq q[VIRTIO_QUEUES_MAX] GUARDED_BY(lock);
	struct loop_event kick[VIRTIO_QUEUES_MAX]; /* ioeventfd or virtio_kick() */
};

/**
 * virtio_init - the common half of a device
 * @v:        in the device's own memory, stays where it is until virtio_done()
 * @ops:      kept
 * @dev:      handed to @ops
 * @features: what the device offers beyond VERSION_1, INDIRECT_DESC and
 *            EVENT_IDX, which are always offered
 * @loop:     does the I/O
 * @mem:      guest RAM
 *
 * Return: 0, or what loop_event_init() answered. The loop is then quiesced, as
 * for the end of the machine, so that @v's memory may go.
 */
must_check int virtio_init(struct virtio *v, const struct virtio_ops *ops, void *dev, u64 features,
                           struct loop *loop, const struct gmem *mem);

/* After loop_quiesce(). A @v that is all zero is fine. */
void virtio_done(struct virtio *v);

static inline void virtio_lock(struct virtio *v) ACQUIRE(v->lock) NO_TSA
{
	mutex_lock(&v->lock);
}

static inline void virtio_unlock(struct virtio *v) RELEASE(v->lock) NO_TSA
{
	mutex_unlock(&v->lock);
}

/* For the transport, with dev.lock held. */
void virtio_set_driver_features(struct virtio *v, u32 word, u32 value) REQUIRES(v->lock);
void virtio_set_status(struct virtio *v, u8 status) REQUIRES(v->lock); /* 0 resets, and may wait */
/* False may wait as well: the driver gets the queue's buffers back (4.2.2.2). */
void virtio_set_queue_ready(struct virtio *v, u32 queue, bool ready) REQUIRES(v->lock);

/**
 * virtio_reset - the machine starts again: as after virtio_init()
 * @v: no vCPU is in a call above, waiting in one included. A vCPU that waits
 *     there for I/O counts as busy, not as held, so who holds all of them
 *     (vcpu_hold_all()) has turned the loop until it came out.
 *
 * The loop's thread, which therefore does not wait. From the first call on the
 * device takes nothing from its queues and sends no interrupt; what is in flight
 * on guest memory ends in the loop's time. A bell that was rung before and is
 * heard after the reset finds the queue not live, or, if the next guest was quick,
 * a queue in which there is nothing new: driver_ok() rings every bell anyway.
 *
 * Return: false: not done, call again after a turn of the loop.
 */
must_check bool virtio_reset(struct virtio *v) REQUIRES(v->lock);

/* Ring a queue's bell from any thread, where KVM does not do it through kick[queue].fd. */
void virtio_kick(struct virtio *v, u32 queue);

/* For the device, with dev.lock held. */
static inline bool virtio_has(const struct virtio *v, u64 feature)
{
	return (v->negotiated & feature) == feature;
}

/* DRIVER_OK, not reset, not broken, and the queue ready: its chains may be taken. */
bool virtio_queue_live(const struct virtio *v, u32 queue) REQUIRES(v->lock);
void virtio_get(struct virtio *v) REQUIRES(v->lock); /* host I/O on guest memory begins */
void virtio_put(struct virtio *v) REQUIRES(v->lock); /* ... has ended */
void virtio_used(struct virtio *v, u32 queue) REQUIRES(v->lock); /* interrupt if the driver wants */
void virtio_config_changed(struct virtio *v) REQUIRES(v->lock);
/* The driver broke a rule: DEVICE_NEEDS_RESET (2.1.2), queues are dead until it resets. */
void virtio_broken(struct virtio *v, const char *why) REQUIRES(v->lock);

#endif /* DEVICES_VIRTIO_VIRTIO_H */
