/* SPDX-License-Identifier: MIT */
#include "devices/virtio/mmio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices/mmio.h"
#include "machine/base/bits.h"

#define MAGIC   0x74726976u /* "virt" */
#define VERSION 2u
#define VENDOR  0x54534f52u /* "ROST" */

/* VIRTIO 1.2, 4.2.2, InterruptStatus */
enum { INT_USED_BUFFER = 1, INT_CONFIG = 2 };

struct virtio_mmio {
	struct virtio *v;
	struct irq_line irq;

	/* With the device's lock. */
	u32 device_features_sel;
	u32 driver_features_sel;
	u32 queue_sel;
	u32 interrupt_status;
};

/*
 * The bit first, so that the handler which the edge calls finds it. Every batch
 * gets its edge, also while the bit is still set from the last one: the driver
 * may have looked at the ring already and be about to acknowledge that bit, and
 * with no second edge nothing would make it look again.
 */
static void interrupt(struct virtio_mmio *t, u32 bit)
{
	t->interrupt_status |= bit;
	irq_line_pulse(&t->irq);
}

static void queue_interrupt(void *bus)
{
	interrupt(bus, INT_USED_BUFFER);
}

static void config_interrupt(void *bus)
{
	interrupt(bus, INT_CONFIG);
}

static const struct virtio_bus_ops bus_ops = {
	.queue_interrupt = queue_interrupt,
	.config_interrupt = config_interrupt,
};

/* The queue that QueueSel names, NULL when the device has no such queue. */
static struct virtq *selected(const struct virtio_mmio *t)
{
	return t->queue_sel < t->v->ops->nr_queues ? &t->v->q[t->queue_sel] : NULL;
}

/* 4.2.2.2: size and addresses of a queue that is ready are left alone. */
static struct virtq *selected_idle(const struct virtio_mmio *t)
{
	struct virtq *q = selected(t);

	return q && !q->ready ? q : NULL;
}

static u32 magic_read(void *dev, u32 offset)
{
	return MAGIC;
}

static u32 version_read(void *dev, u32 offset)
{
	return VERSION;
}

static u32 device_id_read(void *dev, u32 offset)
{
	const struct virtio_mmio *t = dev;

	return t->v->ops->device_id;
}

static u32 vendor_read(void *dev, u32 offset)
{
	return VENDOR;
}

static u32 device_features_read(void *dev, u32 offset)
{
	const struct virtio_mmio *t = dev;

	switch (t->device_features_sel) {
	case 0:
		return lo32(t->v->offered);
	case 1:
		return hi32(t->v->offered);
	default:
		return 0;
	}
}

static void device_sel_write(void *dev, u32 offset, u32 value)
{
	struct virtio_mmio *t = dev;

	t->device_features_sel = value;
}

static void driver_features_write(void *dev, u32 offset, u32 value)
{
	const struct virtio_mmio *t = dev;

	mutex_assert_held(&t->v->lock);
	virtio_set_driver_features(t->v, t->driver_features_sel, value);
}

static void driver_sel_write(void *dev, u32 offset, u32 value)
{
	struct virtio_mmio *t = dev;

	t->driver_features_sel = value;
}

static void queue_sel_write(void *dev, u32 offset, u32 value)
{
	struct virtio_mmio *t = dev;

	t->queue_sel = value;
}

static u32 queue_num_max_read(void *dev, u32 offset)
{
	const struct virtq *q = selected(dev);

	return q ? q->size_max : 0;
}

/* What does not fit becomes 0, which virtq_start() refuses. */
static void queue_num_write(void *dev, u32 offset, u32 value)
{
	struct virtq *q = selected_idle(dev);

	if (q)
		q->size = value <= 0xffff ? (u16)value : 0;
}

static u32 queue_ready_read(void *dev, u32 offset)
{
	const struct virtq *q = selected(dev);

	return q && q->ready;
}

static void queue_ready_write(void *dev, u32 offset, u32 value)
{
	const struct virtio_mmio *t = dev;

	mutex_assert_held(&t->v->lock);
	virtio_set_queue_ready(t->v, t->queue_sel, value);
}

/* Without NOTIFICATION_DATA the value is the queue; only where KVM has no ioeventfd. */
static void queue_notify_write(void *dev, u32 offset, u32 value)
{
	const struct virtio_mmio *t = dev;

	virtio_kick(t->v, value);
}

static u32 interrupt_status_read(void *dev, u32 offset)
{
	const struct virtio_mmio *t = dev;

	return t->interrupt_status;
}

static void interrupt_ack_write(void *dev, u32 offset, u32 value)
{
	struct virtio_mmio *t = dev;

	t->interrupt_status &= ~value;
}

static u32 status_read(void *dev, u32 offset)
{
	const struct virtio_mmio *t = dev;

	return t->v->status;
}

static void reset_registers(struct virtio_mmio *t)
{
	t->device_features_sel = t->driver_features_sel = t->queue_sel = 0;
	t->interrupt_status = 0;
}

static void status_write(void *dev, u32 offset, u32 value)
{
	struct virtio_mmio *t = dev;

	mutex_assert_held(&t->v->lock);
	virtio_set_status(t->v, (u8)value);
	if (value == 0)
		reset_registers(t);
}

/* The low half at @low, the high one behind it. */
static void set_half(gpa_t *gpa, u32 offset, u32 low, u32 value)
{
	if (offset == low)
		*gpa = (*gpa & 0xffffffff00000000ull) | value;
	else
		*gpa = lo32(*gpa) | (u64)value << 32;
}

static void queue_desc_write(void *dev, u32 offset, u32 value)
{
	struct virtq *q = selected_idle(dev);

	if (q)
		set_half(&q->desc_gpa, offset, 0x080, value);
}

static void queue_driver_write(void *dev, u32 offset, u32 value)
{
	struct virtq *q = selected_idle(dev);

	if (q)
		set_half(&q->avail_gpa, offset, 0x090, value);
}

static void queue_device_write(void *dev, u32 offset, u32 value)
{
	struct virtq *q = selected_idle(dev);

	if (q)
		set_half(&q->used_gpa, offset, 0x0a0, value);
}

/* 4.2.2.1: no region of shared memory has been given an id. */
static u32 shm_read(void *dev, u32 offset)
{
	return ~0u;
}

static u32 config_generation_read(void *dev, u32 offset)
{
	const struct virtio_mmio *t = dev;

	return t->v->config_generation;
}

#define ALL 0xffffffffu

/* clang-format off */
/* 4.2.2, table 4.1; 32-bit accesses only (4.2.2.2). QueueReset (0x0c0) is not offered. */
static const struct mmio_reg regs[] = {
	{ "MagicValue",        0x000, 4, MMIO_W32, 0,    magic_read,             NULL },
	{ "Version",           0x004, 4, MMIO_W32, 0,    version_read,           NULL },
	{ "DeviceID",          0x008, 4, MMIO_W32, 0,    device_id_read,         NULL },
	{ "VendorID",          0x00c, 4, MMIO_W32, 0,    vendor_read,            NULL },
	{ "DeviceFeatures",    0x010, 4, MMIO_W32, 0,    device_features_read,   NULL },
	{ "DeviceFeaturesSel", 0x014, 4, MMIO_W32, ALL,  NULL,                   device_sel_write },
	{ "DriverFeatures",    0x020, 4, MMIO_W32, ALL,  NULL,                   driver_features_write },
	{ "DriverFeaturesSel", 0x024, 4, MMIO_W32, ALL,  NULL,                   driver_sel_write },
	{ "QueueSel",          0x030, 4, MMIO_W32, ALL,  NULL,                   queue_sel_write },
	{ "QueueNumMax",       0x034, 4, MMIO_W32, 0,    queue_num_max_read,     NULL },
	{ "QueueNum",          0x038, 4, MMIO_W32, ALL,  NULL,                   queue_num_write },
	{ "QueueReady",        0x044, 4, MMIO_W32, 1,    queue_ready_read,       queue_ready_write },
	{ "QueueNotify",       0x050, 4, MMIO_W32, ALL,  NULL,                   queue_notify_write },
	{ "InterruptStatus",   0x060, 4, MMIO_W32, 0,    interrupt_status_read,  NULL },
	{ "InterruptACK",      0x064, 4, MMIO_W32, 3,    NULL,                   interrupt_ack_write },
	{ "Status",            0x070, 4, MMIO_W32, 0xff, status_read,            status_write },
	{ "QueueDesc",         0x080, 8, MMIO_W32, ALL,  NULL,                   queue_desc_write },
	{ "QueueDriver",       0x090, 8, MMIO_W32, ALL,  NULL,                   queue_driver_write },
	{ "QueueDevice",       0x0a0, 8, MMIO_W32, ALL,  NULL,                   queue_device_write },
	{ "SHMSel",            0x0ac, 4, MMIO_W32, 0,    NULL,                   NULL },
	{ "SHMLen",            0x0b0, 8, MMIO_W32, 0,    shm_read,               NULL },
	{ "SHMBase",           0x0b8, 8, MMIO_W32, 0,    shm_read,               NULL },
	{ "ConfigGeneration",  0x0fc, 4, MMIO_W32, 0,    config_generation_read, NULL },
};
/* clang-format on */

const struct mmio_table virtio_mmio_table = { regs, ARRAY_SIZE(regs) };

/*
 * 4.2.2.2: the device's own fields, each in its own width. Not rows of the table:
 * a write must know its width. Return: how much of the access is inside.
 */
static u32 config_len(const struct virtio_mmio *t, u32 offset, u32 width)
{
	u32 size = t->v->ops->config_size;

	if ((offset & (width - 1)) || offset >= size)
		return 0;
	return size - offset < width ? size - offset : width;
}

static u64 config_read(const struct virtio_mmio *t, u32 offset, u32 width)
{
	u32 len = config_len(t, offset, width);
	u64 value = 0;

	if (len)
		t->v->ops->read_config(t->v->dev, offset, &value, len);
	return value;
}

static void config_write(const struct virtio_mmio *t, u32 offset, u32 width, u64 value)
{
	u32 len = config_len(t, offset, width);

	if (len)
		t->v->ops->write_config(t->v->dev, offset, &value, len);
}

bool virtio_mmio_reset(void *dev)
{
	struct virtio_mmio *t = dev;
	bool done;

	virtio_lock(t->v);
	done = virtio_reset(t->v);
	if (done)
		reset_registers(t);
	virtio_unlock(t->v);
	return done;
}

static u64 bus_reg_read(void *dev, u32 offset, u32 width)
{
	const struct virtio_mmio *t = dev;
	u64 value;

	virtio_lock(t->v);
	if (offset >= VIRTIO_MMIO_CONFIG)
		value = config_read(t, offset - VIRTIO_MMIO_CONFIG, width);
	else
		value = mmio_read(&virtio_mmio_table, dev, offset, width);
	virtio_unlock(t->v);
	return value;
}

static void bus_reg_write(void *dev, u32 offset, u32 width, u64 value)
{
	const struct virtio_mmio *t = dev;

	virtio_lock(t->v);
	if (offset >= VIRTIO_MMIO_CONFIG)
		config_write(t, offset - VIRTIO_MMIO_CONFIG, width, value);
	else
		mmio_write(&virtio_mmio_table, dev, offset, width, value);
	virtio_unlock(t->v);
}

const struct bus_ops virtio_mmio_bus_ops = { .read = bus_reg_read, .write = bus_reg_write };

int virtio_mmio_create(struct virtio *v, const struct irq_line *irq, struct virtio_mmio **out)
{
	struct virtio_mmio *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;

	t->v = v;
	t->irq = *irq;
	v->bus_ops = &bus_ops;
	v->bus = t;
	*out = t;
	return 0;
}

void virtio_mmio_destroy(struct virtio_mmio *t)
{
	free(t);
}
