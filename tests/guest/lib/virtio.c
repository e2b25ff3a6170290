/* SPDX-License-Identifier: MIT */
#include "virtio.h"
#include "io.h"
#include "str.h"

static u64 features_offered(const struct vdev *d)
{
	u64 v;

	w32(d->base + VIRTIO_DEVICE_FEATURES_SEL, 1);
	v = (u64)r32(d->base + VIRTIO_DEVICE_FEATURES) << 32;
	w32(d->base + VIRTIO_DEVICE_FEATURES_SEL, 0);
	return v | r32(d->base + VIRTIO_DEVICE_FEATURES);
}

bool virtio_find(u32 id, u32 nth, struct vdev *d)
{
	struct fdt_node n;
	u64 size;

	for (u32 i = 0; fdt_find("virtio,mmio", i, &n); i++) {
		if (!fdt_reg(&n, 0, &d->base, &size) || !fdt_irq(&n, 0, &d->irq))
			continue;
		d->id = r32(d->base + VIRTIO_DEVICE_ID);
		if ((id && d->id != id) || nth--)
			continue;
		d->offered = features_offered(d);
		d->features = 0;
		return true;
	}
	return false;
}

u32 virtio_status(const struct vdev *d)
{
	return r32(d->base + VIRTIO_STATUS);
}

bool virtio_reset(const struct vdev *d)
{
	u64 start = ticks();

	w32(d->base + VIRTIO_STATUS, 0);
	while (virtio_status(d) && !passed_ms(start, 1000))
		;
	return virtio_status(d) == 0;
}

bool virtio_negotiate(struct vdev *d, u64 want)
{
	u32 status = STATUS_ACKNOWLEDGE;

	if (!virtio_reset(d))
		return false;
	w32(d->base + VIRTIO_STATUS, status);
	status |= STATUS_DRIVER;
	w32(d->base + VIRTIO_STATUS, status);
	d->features = d->offered & (want | VIRTIO_F_VERSION_1);
	w32(d->base + VIRTIO_DRIVER_FEATURES_SEL, 0);
	w32(d->base + VIRTIO_DRIVER_FEATURES, (u32)d->features);
	w32(d->base + VIRTIO_DRIVER_FEATURES_SEL, 1);
	w32(d->base + VIRTIO_DRIVER_FEATURES, (u32)(d->features >> 32));
	w32(d->base + VIRTIO_STATUS, status | STATUS_FEATURES_OK);
	return virtio_status(d) & STATUS_FEATURES_OK;
}

static void write_address(const struct vdev *d, u32 reg, const volatile void *p)
{
	u64 addr = (u64)(unsigned long)p;

	w32(d->base + reg, (u32)addr);
	w32(d->base + reg + 4, (u32)(addr >> 32));
}

bool virtio_queue(const struct vdev *d, u32 index, struct vq *q, u32 num)
{
	u32 max;

	memset(q, 0, sizeof(*q));
	w32(d->base + VIRTIO_QUEUE_SEL, index);
	max = r32(d->base + VIRTIO_QUEUE_NUM_MAX);
	q->dev = d;
	q->index = index;
	q->num = (u16)MIN(num, max);
	w32(d->base + VIRTIO_QUEUE_NUM, q->num);
	write_address(d, VIRTIO_QUEUE_DESC, q->desc);
	write_address(d, VIRTIO_QUEUE_DRIVER, &q->avail);
	write_address(d, VIRTIO_QUEUE_DEVICE, &q->used);
	dmb();
	w32(d->base + VIRTIO_QUEUE_READY, 1);
	return q->num && r32(d->base + VIRTIO_QUEUE_READY) == 1;
}

void virtio_driver_ok(const struct vdev *d)
{
	w32(d->base + VIRTIO_STATUS, virtio_status(d) | STATUS_DRIVER_OK);
}

u32 virtio_ack(const struct vdev *d)
{
	u32 v = r32(d->base + VIRTIO_INTERRUPT_STATUS);

	w32(d->base + VIRTIO_INTERRUPT_ACK, v);
	return v;
}

void vq_set(struct vq *q, u16 i, const volatile void *addr, u32 len, u16 flags, u16 next)
{
	q->desc[i] = (struct vq_desc){ (u64)(unsigned long)addr, len, flags, next };
}

void vq_offer(struct vq *q, u16 head)
{
	q->avail.ring[q->avail.idx % q->num] = head;
	dmb();
	__atomic_store_n(&q->avail.idx, (u16)(q->avail.idx + 1), __ATOMIC_RELEASE);
}

void vq_kick(const struct vq *q)
{
	dsb();
	w32(q->dev->base + VIRTIO_QUEUE_NOTIFY, q->index);
}

bool vq_take(struct vq *q, struct vq_used_elem *e)
{
	if (__atomic_load_n(&q->used.idx, __ATOMIC_ACQUIRE) == q->seen)
		return false;
	dmb();
	*e = q->used.ring[q->seen % q->num];
	q->seen++;
	return true;
}

bool vq_wait(struct vq *q, u64 ms, struct vq_used_elem *e)
{
	u64 start = ticks();

	while (!vq_take(q, e)) {
		if (passed_ms(start, ms))
			return false;
		__asm__ volatile("yield");
	}
	return true;
}
