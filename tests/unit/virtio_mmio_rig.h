/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_VIRTIO_MMIO_RIG_H
#define TESTS_UNIT_VIRTIO_MMIO_RIG_H

#include "tests/unit/virtio_driver.h"

#include "devices/bus.h"
#include "devices/mmio.h"
#include "devices/virtio/mmio.h"

enum {
	MAGIC = 0x000,
	VERSION = 0x004,
	DEVICE_ID = 0x008,
	VENDOR_ID = 0x00c,
	DEVICE_FEATURES = 0x010,
	DEVICE_FEATURES_SEL = 0x014,
	DRIVER_FEATURES = 0x020,
	DRIVER_FEATURES_SEL = 0x024,
	QUEUE_SEL = 0x030,
	QUEUE_NUM_MAX = 0x034,
	QUEUE_NUM = 0x038,
	QUEUE_READY = 0x044,
	QUEUE_NOTIFY = VIRTIO_MMIO_QUEUE_NOTIFY,
	INTERRUPT_STATUS = 0x060,
	INTERRUPT_ACK = 0x064,
	STATUS = 0x070,
	QUEUE_DESC = 0x080,
	QUEUE_DRIVER = 0x090,
	QUEUE_DEVICE = 0x0a0,
	SHM_LEN = 0x0b0,
	SHM_BASE = 0x0b8,
	QUEUE_RESET = 0x0c0,
	CONFIG_GENERATION = 0x0fc,
	CONFIG = VIRTIO_MMIO_CONFIG,
};

enum {
	A = VIRTIO_ACKNOWLEDGE,
	D = VIRTIO_DRIVER,
	F = VIRTIO_FEATURES_OK,
	OK = VIRTIO_DRIVER_OK,
	FAILED = VIRTIO_FAILED,
	NEEDS_RESET = VIRTIO_NEEDS_RESET,
	UP = A | D | F | OK,
};

enum { NR_QUEUES = 2, QUEUE_SIZE = 64, CONFIG_SIZE = 7 };
#define FEATURE  (1ull << 3)
#define FEATURE2 (1ull << 40)
#define OFFERED                                                                                    \
	(FEATURE | FEATURE2 | VIRTIO_F_VERSION_1_BIT | VIRTIO_F_INDIRECT_DESC_BIT |                \
	 VIRTIO_F_EVENT_IDX_BIT)

/* A device that notes what it is told, and a transport in front of it. */
struct fixture {
	struct guest g;
	struct drv_queue drv[NR_QUEUES];
	struct drv_loop l;
	struct virtio v;
	struct virtio_mmio *t;
	struct fake_line line;

	u8 config[CONFIG_SIZE];
	u32 notified[NR_QUEUES];
	u32 driver_oks, resets;
	u32 inflight_at_reset; /* must stay 0 */
	bool hold; /* notify() keeps what it takes, as if host I/O were on its way */
	u32 held;
	struct virtq_chain chain;
};

static inline void dev_read_config(void *dev, u32 offset, void *buf, u32 len)
{
	const struct fixture *f = dev;

	assert_true(offset < CONFIG_SIZE && len && len <= CONFIG_SIZE - offset);
	memcpy(buf, f->config + offset, len);
}

static inline void dev_write_config(void *dev, u32 offset, const void *buf, u32 len)
{
	struct fixture *f = dev;

	assert_true(offset < CONFIG_SIZE && len && len <= CONFIG_SIZE - offset);
	memcpy(f->config + offset, buf, len);
}

static inline void dev_driver_ok(void *dev)
{
	((struct fixture *)dev)->driver_oks++;
}

static inline void dev_notify(void *dev, u32 queue)
{
	struct fixture *f = dev;
	int err;

	f->notified[queue]++;
	while ((err = virtq_pop(&f->v.q[queue], &f->chain)) > 0) {
		if (f->hold) {
			virtio_get(&f->v);
			f->held++;
		} else {
			virtq_push(&f->v.q[queue], f->chain.head, 0);
		}
	}
	if (err < 0)
		virtio_broken(&f->v, "test");
	virtio_used(&f->v, queue);
}

static inline void dev_reset(void *dev)
{
	struct fixture *f = dev;

	f->resets++;
	f->inflight_at_reset += f->v.inflight;
}

static const struct virtio_ops dev_ops = {
	.device_id = 42,
	.nr_queues = NR_QUEUES,
	.queue_size = QUEUE_SIZE,
	.config_size = CONFIG_SIZE,
	.read_config = dev_read_config,
	.write_config = dev_write_config,
	.driver_ok = dev_driver_ok,
	.notify = dev_notify,
	.reset = dev_reset,
};

static inline int setup(void **state)
{
	static const u8 config[CONFIG_SIZE] = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77 };
	static struct fixture f;
	const struct irq_line irq = { .set = fake_line_set, .ctx = &f.line, .intid = 48 };

	*state = NULL;
	f = (struct fixture){ 0 };
	drv_loop_init(&f.l);
	if (!f.l.loop)
		return 0;
	*state = &f;
	guest_init(&f.g);
	memcpy(f.config, config, sizeof(config));
	assert_int_equal(virtio_init(&f.v, &dev_ops, &f, FEATURE | FEATURE2, f.l.loop, &f.g.mem),
	                 0);
	assert_int_equal(virtio_mmio_create(&f.v, &irq, &f.t), 0);
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	if (!f)
		return 0;
	loop_quiesce(f->l.loop);
	virtio_mmio_destroy(f->t);
	virtio_done(&f->v);
	loop_destroy(f->l.loop);
	guest_done(&f->g);
	return 0;
}

static inline struct fixture *need(void **state)
{
	if (!*state)
		skip_because(NO_IO_URING);
	return *state;
}

static inline u32 rd(struct fixture *f, u32 reg)
{
	return (u32)virtio_mmio_bus_ops.read(f->t, reg, 4);
}

static inline void wr(struct fixture *f, u32 reg, u32 value)
{
	virtio_mmio_bus_ops.write(f->t, reg, 4, value);
}

static inline u32 notified(struct fixture *f, u32 queue)
{
	u32 n;

	virtio_lock(&f->v);
	n = f->notified[queue];
	virtio_unlock(&f->v);
	return n;
}

static inline void turn(struct fixture *f)
{
	drv_loop_turn(&f->l);
}

static inline void turn_until_notified(struct fixture *f, u32 queue, u32 times)
{
	while (notified(f, queue) < times)
		turn(f);
}

static inline void set_features(struct fixture *f, u64 features)
{
	wr(f, DRIVER_FEATURES_SEL, 0);
	wr(f, DRIVER_FEATURES, lo32(features));
	wr(f, DRIVER_FEATURES_SEL, 1);
	wr(f, DRIVER_FEATURES, hi32(features));
}

static inline u32 negotiate(struct fixture *f, u64 features)
{
	wr(f, STATUS, 0);
	wr(f, STATUS, A);
	wr(f, STATUS, A | D);
	set_features(f, features);
	wr(f, STATUS, A | D | F);
	return rd(f, STATUS);
}

static inline void place_queue(struct fixture *f, u32 index, const struct drv_queue *q)
{
	wr(f, QUEUE_SEL, index);
	wr(f, QUEUE_NUM, q->size);
	wr(f, QUEUE_DESC, lo32(q->desc_gpa));
	wr(f, QUEUE_DESC + 4, hi32(q->desc_gpa));
	wr(f, QUEUE_DRIVER, lo32(q->avail_gpa));
	wr(f, QUEUE_DRIVER + 4, hi32(q->avail_gpa));
	wr(f, QUEUE_DEVICE, lo32(q->used_gpa));
	wr(f, QUEUE_DEVICE + 4, hi32(q->used_gpa));
}

static inline void bring_up(struct fixture *f)
{
	assert_int_equal(negotiate(f, VIRTIO_F_VERSION_1_BIT), A | D | F);
	f->g.next = GUEST_BASE;
	for (u32 i = 0; i < NR_QUEUES; i++) {
		drv_queue_init(&f->drv[i], &f->g, 16, false);
		place_queue(f, i, &f->drv[i]);
		wr(f, QUEUE_READY, 1);
		assert_int_equal(rd(f, QUEUE_READY), 1);
	}
	wr(f, STATUS, UP);
	assert_int_equal(rd(f, STATUS), UP);
}

/* Up, and past the notifications that DRIVER_OK brings. */
static inline void bring_up_quiet(struct fixture *f)
{
	bring_up(f);
	for (u32 i = 0; i < NR_QUEUES; i++) {
		turn_until_notified(f, i, 1);
		f->notified[i] = 0;
	}
}

static inline void offer_one(struct fixture *f, u32 queue)
{
	const struct drv_piece p = { guest_alloc(&f->g, 64, 64), 64, DRV_IN };

	(void)drv_add(&f->drv[queue], &p, 1);
}

static inline void hold_two(struct fixture *f)
{
	f->hold = true;
	bring_up_quiet(f);
	f->held = 0;
	offer_one(f, 0);
	offer_one(f, 0);
	wr(f, QUEUE_NOTIFY, 0);
	turn_until_notified(f, 0, 1);
	assert_int_equal(f->held, 2);
}

/* What a done() would do. */
static inline void complete_one(struct fixture *f)
{
	virtio_lock(&f->v);
	virtq_push(&f->v.q[0], 0, 64);
	virtio_used(&f->v, 0);
	virtio_put(&f->v);
	virtio_unlock(&f->v);
}

#define MMIO_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif /* TESTS_UNIT_VIRTIO_MMIO_RIG_H */
