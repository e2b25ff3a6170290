/* SPDX-License-Identifier: MIT */
#include "devices/virtio/virtio.h"

#include <assert.h>

#include "machine/base/log.h"

/* VIRTIO 1.2, 6: what the queue code itself provides, so every device has it. */
#define ALWAYS_OFFERED                                                                             \
	(VIRTIO_F_VERSION_1_BIT | VIRTIO_F_INDIRECT_DESC_BIT | VIRTIO_F_EVENT_IDX_BIT)

enum { DEAD = VIRTIO_NEEDS_RESET | VIRTIO_FAILED };

/*
 * The loop's thread. A ring may be late: for a queue that is gone meanwhile, or was
 * never there, or was another guest's before a reset.
 */
static void kicked(struct virtio *v, u32 queue)
{
	virtio_lock(v);
	if (virtio_queue_live(v, queue))
		v->ops->notify(v->dev, queue);
	virtio_unlock(v);
}

static void kicked_0(struct loop_event *ev)
{
	kicked(container_of(ev, struct virtio, kick[0]), 0);
}

static void kicked_1(struct loop_event *ev)
{
	kicked(container_of(ev, struct virtio, kick[1]), 1);
}

static void kicked_2(struct loop_event *ev)
{
	kicked(container_of(ev, struct virtio, kick[2]), 2);
}

static void kicked_3(struct loop_event *ev)
{
	kicked(container_of(ev, struct virtio, kick[3]), 3);
}

/* An event does not say which one of an array it is. */
static void (*const fire[VIRTIO_QUEUES_MAX])(struct loop_event *ev) = { kicked_0, kicked_1,
	                                                                kicked_2, kicked_3 };

int virtio_init(struct virtio *v, const struct virtio_ops *ops, void *dev, u64 features,
                struct loop *loop, const struct gmem *mem)
{
	int err = 0;

	assert(ops->nr_queues <= VIRTIO_QUEUES_MAX && ops->queue_size <= VIRTQ_SIZE_MAX);
	*v = (struct virtio){
		.ops = ops,
		.dev = dev,
		.loop = loop,
		.offered = features | ALWAYS_OFFERED,
	};
	mutex_init(&v->lock);
	cond_init(&v->idle);
	for (u32 i = 0; i < VIRTIO_QUEUES_MAX; i++)
		v->kick[i].fd = -1;
	for (u32 i = 0; i < ops->nr_queues && err == 0; i++) {
		v->q[i] = (struct virtq){ .mem = mem, .size_max = ops->queue_size };
		virtq_reset(&v->q[i]);
		err = loop_event_init(loop, &v->kick[i], fire[i]);
	}
	if (err < 0) {
		/* The bells that did come up are being listened to, in the caller's memory. */
		loop_quiesce(loop);
		virtio_done(v);
	}
	return err;
}

void virtio_done(struct virtio *v)
{
	if (!v->ops)
		return;
	for (u32 i = 0; i < VIRTIO_QUEUES_MAX; i++)
		loop_event_done(&v->kick[i]);
	cond_done(&v->idle);
	mutex_done(&v->lock);
	v->ops = NULL;
}

/* While the lock is given up here, the loop's thread goes on and ends what is in flight. */
static void wait_idle(struct virtio *v) REQUIRES(v->lock)
{
	while (v->inflight)
		cond_wait(&v->idle, &v->lock);
}

/* Another vCPU is in reset(): what this one asks for comes after it. */
static void wait_reset(struct virtio *v) REQUIRES(v->lock)
{
	while (v->resetting)
		cond_wait(&v->idle, &v->lock);
}

/* Nothing is in flight: the rest takes no time. */
static void finish_reset(struct virtio *v) REQUIRES(v->lock)
{
	v->ops->reset(v->dev);
	for (u32 i = 0; i < v->ops->nr_queues; i++)
		virtq_reset(&v->q[i]);
	v->negotiated = 0;
	v->status = 0;
	v->resetting = false;
	cond_broadcast(&v->idle);
}

/*
 * 2.4.1: when the status reads 0 the device does not touch the queues or send
 * interrupts any more. So the status stays what it was until that is true. The
 * configuration generation goes on counting: a driver compares, nothing else.
 */
static void reset(struct virtio *v) REQUIRES(v->lock)
{
	v->resetting = true;
	wait_idle(v);
	finish_reset(v);
}

bool virtio_reset(struct virtio *v)
{
	mutex_assert_held(&v->lock);
	v->resetting = true;
	if (v->inflight)
		return false;
	finish_reset(v);
	v->config_generation = 0;
	return true;
}

/* 2.2.1, 6.1: a subset of what is offered, and not a legacy driver. */
static bool features_ok(const struct virtio *v) REQUIRES(v->lock)
{
	return (v->negotiated & ~v->offered) == 0 && virtio_has(v, VIRTIO_F_VERSION_1_BIT);
}

/* May @bit be set, on top of @below? */
static bool step(const struct virtio *v, u8 wanted, u8 bit, u8 below) REQUIRES(v->lock)
{
	return (wanted & bit) && !(v->status & (bit | DEAD)) && (v->status & below) == below;
}

/*
 * 3.1.1, in order; a write may take several steps. 2.1.1: the driver clears no
 * bit but by writing 0, so bits that are missing from @wanted stay.
 */
static void advance(struct virtio *v, u8 wanted) REQUIRES(v->lock)
{
	v->status |= (u8)(wanted & (VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FAILED));

	if (step(v, wanted, VIRTIO_FEATURES_OK, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER) &&
	    features_ok(v))
		v->status |= VIRTIO_FEATURES_OK;

	if (step(v, wanted, VIRTIO_DRIVER_OK, VIRTIO_FEATURES_OK)) {
		v->status |= VIRTIO_DRIVER_OK;
		v->ops->driver_ok(v->dev);
		/* What was offered before now, and perhaps rung for in vain. */
		for (u32 i = 0; i < v->ops->nr_queues; i++)
			if (v->q[i].ready)
				virtio_kick(v, i);
	}
}

void virtio_set_status(struct virtio *v, u8 status)
{
	mutex_assert_held(&v->lock);
	wait_reset(v);
	if (status == 0)
		reset(v);
	else
		advance(v, status);
}

void virtio_set_driver_features(struct virtio *v, u32 word, u32 value)
{
	u32 shift = 32 * (word & 1);

	mutex_assert_held(&v->lock);
	wait_reset(v);
	/* 3.1.1 step 5: what was agreed on is final; there are no features from bit 64 up. */
	if (word > 1 || (v->status & VIRTIO_FEATURES_OK))
		return;
	v->negotiated = (v->negotiated & ~(0xffffffffull << shift)) | (u64)value << shift;
}

/* 3.1.1 step 7: between FEATURES_OK and DRIVER_OK. */
static bool may_set_up(const struct virtio *v) REQUIRES(v->lock)
{
	return (v->status & (VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK | DEAD)) == VIRTIO_FEATURES_OK;
}

void virtio_set_queue_ready(struct virtio *v, u32 queue, bool ready)
{
	mutex_assert_held(&v->lock);
	wait_reset(v);
	if (queue >= v->ops->nr_queues || v->q[queue].ready == ready)
		return;

	if (!ready) {
		v->q[queue].ready = false;
		wait_idle(v);
	} else if (may_set_up(v) && virtq_start(&v->q[queue], virtio_has(v, VIRTIO_F_EVENT_IDX_BIT),
	                                        virtio_has(v, VIRTIO_F_INDIRECT_DESC_BIT)) < 0) {
		virtio_broken(v, "a queue's size or place is not allowed");
	}
}

void virtio_kick(struct virtio *v, u32 queue)
{
	if (queue < v->ops->nr_queues)
		loop_event_signal(&v->kick[queue]);
}

bool virtio_queue_live(const struct virtio *v, u32 queue)
{
	return (v->status & (VIRTIO_DRIVER_OK | DEAD)) == VIRTIO_DRIVER_OK && !v->resetting &&
	       v->q[queue].ready && !v->q[queue].broken;
}

void virtio_get(struct virtio *v)
{
	v->inflight++;
}

void virtio_put(struct virtio *v)
{
	assert(v->inflight);
	if (--v->inflight == 0)
		cond_broadcast(&v->idle);
}

void virtio_used(struct virtio *v, u32 queue)
{
	if (virtio_queue_live(v, queue) && virtq_should_interrupt(&v->q[queue]))
		v->bus_ops->queue_interrupt(v->bus);
}

void virtio_config_changed(struct virtio *v)
{
	v->config_generation++;
	/* 3.1.1: no notification before DRIVER_OK; the driver has yet to read it all. */
	if ((v->status & VIRTIO_DRIVER_OK) && !v->resetting)
		v->bus_ops->config_interrupt(v->bus);
}

void virtio_broken(struct virtio *v, const char *why)
{
	if (v->resetting || (v->status & VIRTIO_NEEDS_RESET))
		return;
	log_at(LOG_DEBUG, "virtio device %u needs a reset: %s", v->ops->device_id, why);
	for (u32 i = 0; i < v->ops->nr_queues; i++)
		v->q[i].broken = true;
	v->status |= VIRTIO_NEEDS_RESET;
	/* 2.1.2 */
	if (v->status & VIRTIO_DRIVER_OK)
		v->bus_ops->config_interrupt(v->bus);
}
