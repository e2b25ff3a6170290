/* SPDX-License-Identifier: MIT */
/* A driver's side of virtio-mmio version 2 with split queues (VIRTIO 1.2, 2.7 and 4.2). */
#ifndef GUEST_VIRTIO_H
#define GUEST_VIRTIO_H

#include "fdt.h"
#include "types.h"

enum {
	VIRTIO_MAGIC = 0x000,
	VIRTIO_VERSION = 0x004,
	VIRTIO_DEVICE_ID = 0x008,
	VIRTIO_VENDOR_ID = 0x00c,
	VIRTIO_DEVICE_FEATURES = 0x010,
	VIRTIO_DEVICE_FEATURES_SEL = 0x014,
	VIRTIO_DRIVER_FEATURES = 0x020,
	VIRTIO_DRIVER_FEATURES_SEL = 0x024,
	VIRTIO_QUEUE_SEL = 0x030,
	VIRTIO_QUEUE_NUM_MAX = 0x034,
	VIRTIO_QUEUE_NUM = 0x038,
	VIRTIO_QUEUE_READY = 0x044,
	VIRTIO_QUEUE_NOTIFY = 0x050,
	VIRTIO_INTERRUPT_STATUS = 0x060,
	VIRTIO_INTERRUPT_ACK = 0x064,
	VIRTIO_STATUS = 0x070,
	VIRTIO_QUEUE_DESC = 0x080, /* each of these low, then high */
	VIRTIO_QUEUE_DRIVER = 0x090,
	VIRTIO_QUEUE_DEVICE = 0x0a0,
	VIRTIO_CONFIG_GENERATION = 0x0fc,
	VIRTIO_CONFIG = 0x100,
};

#define VIRTIO_ID_NET     1u
#define VIRTIO_ID_BLK     2u
#define VIRTIO_ID_CONSOLE 3u
#define VIRTIO_ID_RNG     4u

#define STATUS_ACKNOWLEDGE 0x01u
#define STATUS_DRIVER      0x02u
#define STATUS_DRIVER_OK   0x04u
#define STATUS_FEATURES_OK 0x08u
#define STATUS_NEEDS_RESET 0x40u
#define STATUS_FAILED      0x80u

#define VIRTIO_F_INDIRECT_DESC BIT(28)
#define VIRTIO_F_EVENT_IDX     BIT(29)
#define VIRTIO_F_VERSION_1     BIT(32)

#define DESC_NEXT     1u
#define DESC_WRITE    2u
#define DESC_INDIRECT 4u

#define VQ_MAX 256

struct vq_desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};

struct vq_used_elem {
	u32 id;
	u32 len;
};

/* A device; all of it may be read by guests. */
struct vdev {
	u64 base;
	u32 id;
	struct fdt_irq irq;
	u64 offered;
	u64 features; /* agreed on */
};

/*
 * A queue with its memory. The rings are open, so that a hostile driver can write
 * what it likes.
 */
struct vq {
	struct vq_desc desc[VQ_MAX] __attribute__((aligned(4096)));
	struct {
		u16 flags;
		u16 idx;
		u16 ring[VQ_MAX + 1]; /* the last is used_event, at ring[num] */
	} avail __attribute__((aligned(4096)));
	struct {
		u16 flags;
		u16 idx;
		struct vq_used_elem ring[VQ_MAX + 1]; /* the last holds avail_event */
	} used __attribute__((aligned(4096)));
	const struct vdev *dev;
	u32 index;
	u16 num;
	u16 seen; /* used entries taken */
};

/** virtio_find - the @nth device with this @id; 0 is any device. Return: false: none */
bool virtio_find(u32 id, u32 nth, struct vdev *d);

u32 virtio_status(const struct vdev *d);

/** virtio_reset - write 0 to the status. Return: whether it reads 0 then */
bool virtio_reset(const struct vdev *d);

/**
 * virtio_negotiate - reset, then up to FEATURES_OK
 * @want: features asked for, of those offered; VERSION_1 is always asked for
 *
 * Return: whether FEATURES_OK stuck.
 */
bool virtio_negotiate(struct vdev *d, u64 want);

/**
 * virtio_queue - set a queue up and make it ready
 * @num: entries, a power of two up to VQ_MAX; cut down to what the device takes
 *
 * Return: whether QueueReady reads 1 then.
 */
bool virtio_queue(const struct vdev *d, u32 index, struct vq *q, u32 num);

void virtio_driver_ok(const struct vdev *d);

/** virtio_ack - read InterruptStatus and acknowledge it. Return: what it was */
u32 virtio_ack(const struct vdev *d);

/** vq_set - fill a descriptor */
void vq_set(struct vq *q, u16 i, const volatile void *addr, u32 len, u16 flags, u16 next);

/** vq_offer - put a chain on the available ring; the device is not told yet */
void vq_offer(struct vq *q, u16 head);

/** vq_kick - tell the device */
void vq_kick(const struct vq *q);

/** vq_take - the next used entry. Return: false: there is none */
bool vq_take(struct vq *q, struct vq_used_elem *e);

/** vq_wait - vq_take(), waiting up to @ms milliseconds */
bool vq_wait(struct vq *q, u64 ms, struct vq_used_elem *e);

#endif
