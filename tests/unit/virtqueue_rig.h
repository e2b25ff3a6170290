/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_VIRTQUEUE_RIG_H
#define TESTS_UNIT_VIRTQUEUE_RIG_H

#include "tests/unit/virtio_driver.h"

#include "devices/virtio/queue.h"

/* Both ends of one queue. */
enum { SIZE = 16 };

struct fixture {
	struct guest g;
	struct drv_queue drv;
	struct virtq q;
	struct virtq_chain chain;
	gpa_t header, data, status;
};

static inline void point_at(struct virtq *q, const struct drv_queue *d)
{
	q->size = d->size;
	q->desc_gpa = d->desc_gpa;
	q->avail_gpa = d->avail_gpa;
	q->used_gpa = d->used_gpa;
}

static inline void start(struct fixture *f, u16 size, bool event_idx, bool indirect)
{
	drv_queue_init(&f->drv, &f->g, size, event_idx);
	f->q = (struct virtq){ .mem = &f->g.mem, .size_max = VIRTQ_SIZE_MAX };
	virtq_reset(&f->q);
	point_at(&f->q, &f->drv);
	assert_int_equal(virtq_start(&f->q, event_idx, indirect), 0);
}

static inline int setup(void **state)
{
	static struct fixture f;

	*state = &f;
	guest_init(&f.g);
	f.header = guest_alloc(&f.g, 16, 16);
	f.data = guest_alloc(&f.g, 4096, 4096);
	f.status = guest_alloc(&f.g, 1, 1);
	start(&f, SIZE, false, true);
	return 0;
}

static inline int teardown(void **state)
{
	guest_done(&((struct fixture *)*state)->g);
	return 0;
}

#define QUEUE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif /* TESTS_UNIT_VIRTQUEUE_RIG_H */
