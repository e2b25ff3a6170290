/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_VIRTIO_DRIVER_H
#define TESTS_UNIT_VIRTIO_DRIVER_H

#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices/virtio/virtio.h"
#include "machine/base/bits.h"

/*
 * The guest's end of a virtio device for unit tests: guest RAM, a driver's half
 * of a split queue (VIRTIO 1.2, 2.7), and what a driver does to bring a device
 * up. Rings may be written by hand as well: they are only bytes.
 *
 *   struct guest g;                       guest_init(&g)
 *   drv_negotiate(v, 0);                  v is a struct virtio *, a loop turns
 *   drv_queue_init(&q, &g, 16, ...);      drv_queue_up(v, 0, &q)
 *   drv_driver_ok(v);
 *   drv_add(&q, (struct drv_piece[]){ { gpa, len, DRV_OUT }, ... }, n);
 *   virtio_kick(v, 0);                    turn the loop
 *   drv_used(&q, &id, &len)
 */
enum { GUEST_PAGE = 4096, GUEST_RAM = 4 << 20 };
#define GUEST_BASE 0x80000000ull

/* RAM has the size the heap checks: one byte past its end is found by the sanitizer. */
struct guest {
	struct gmem mem;
	gpa_t next; /* not yet given out */
};

static inline void guest_init(struct guest *g)
{
	*g = (struct guest){ .next = GUEST_BASE };
	g->mem = (struct gmem){ .base = GUEST_BASE, .size = GUEST_RAM };
	g->mem.host = aligned_alloc(GUEST_PAGE, GUEST_RAM);
	assert_non_null(g->mem.host);
	memset(g->mem.host, 0, GUEST_RAM);
}

static inline void guest_done(struct guest *g)
{
	free(g->mem.host);
}

/* Zeroed if never used before; @align is a power of two. */
static inline gpa_t guest_alloc(struct guest *g, u64 len, u64 align)
{
	gpa_t at = align_up(g->next, align);

	assert_true(at + len <= GUEST_BASE + GUEST_RAM);
	g->next = at + len;
	return at;
}

static inline void *guest_ptr(const struct guest *g, gpa_t gpa, u64 len)
{
	void *p = gmem_ptr(&g->mem, gpa, len);

	assert_non_null(p);
	return p;
}

/* A piece of RAM with something in it. */
static inline gpa_t guest_put(struct guest *g, const void *data, u64 len)
{
	gpa_t at = guest_alloc(g, len, 16);

	memcpy(guest_ptr(g, at, len), data, len);
	return at;
}

/* As in guest memory; 2.7.5. */
struct drv_desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};

enum { DRV_DESC_NEXT = 1, DRV_DESC_WRITE = 2, DRV_DESC_INDIRECT = 4 };

struct drv_queue {
	struct guest *g;
	u16 size;
	bool event_idx;
	bool manual_event; /* used_event is left to the test */
	gpa_t desc_gpa, avail_gpa, used_gpa;
	struct drv_desc *desc;
	u16 *avail; /* flags, idx, ring[size], used_event */
	u16 *used; /* flags, idx, ring[size] of 4 u16 each, avail_event */
	u16 free; /* the descriptor the next chain begins at; goes round */
	u16 avail_idx; /* what was published last */
	u16 used_seen; /* used entries taken */
};

static inline void drv_queue_init(struct drv_queue *q, struct guest *g, u16 size, bool event_idx)
{
	*q = (struct drv_queue){ .g = g, .size = size, .event_idx = event_idx };
	q->desc_gpa = guest_alloc(g, 16ull * size, 16);
	q->avail_gpa = guest_alloc(g, 6 + 2ull * size, 2);
	q->used_gpa = guest_alloc(g, 6 + 8ull * size, 4);
	q->desc = guest_ptr(g, q->desc_gpa, 16ull * size);
	q->avail = guest_ptr(g, q->avail_gpa, 6 + 2ull * size);
	q->used = guest_ptr(g, q->used_gpa, 6 + 8ull * size);
	/* The rings begin as zeroes, wherever they are. */
	memset(q->desc, 0, 16ull * size);
	memset(q->avail, 0, 6 + 2ull * size);
	memset(q->used, 0, 6 + 8ull * size);
}

static inline u16 *drv_used_event(const struct drv_queue *q)
{
	return &q->avail[2 + q->size];
}

static inline u16 *drv_avail_event(const struct drv_queue *q)
{
	return &q->used[2 + 4 * q->size];
}

static inline struct drv_desc drv_desc(gpa_t addr, u32 len, u16 flags, u16 next)
{
	return (struct drv_desc){ addr, len, flags, next };
}

static inline void drv_set_avail_idx(struct drv_queue *q, u16 idx)
{
	q->avail_idx = idx;
	__atomic_store_n(&q->avail[1], idx, __ATOMIC_RELEASE);
}

/* Publish the chain at @head; any number is taken. */
static inline void drv_offer(struct drv_queue *q, u16 head)
{
	__atomic_store_n(&q->avail[2 + (q->avail_idx & (q->size - 1))], head, __ATOMIC_RELAXED);
	drv_set_avail_idx(q, (u16)(q->avail_idx + 1));
}

enum drv_dir { DRV_OUT, DRV_IN }; /* the device reads, the device writes */

struct drv_piece {
	gpa_t addr;
	u32 len;
	enum drv_dir dir;
};

static inline void drv_fill_table(struct drv_desc *table, u16 first, u16 mask,
                                  const struct drv_piece *p, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		u16 at = (u16)((first + i) & mask), next = (u16)((first + i + 1) & mask);
		u16 flags = p[i].dir == DRV_IN ? DRV_DESC_WRITE : 0;

		if (i + 1 < nr)
			flags |= DRV_DESC_NEXT;
		table[at] = drv_desc(p[i].addr, p[i].len, flags, i + 1 < nr ? next : 0);
	}
}

/*
 * A chain of @nr pieces, published. Descriptors are used round and round: the
 * test must not have more than the queue's size outstanding. Return: the head.
 */
static inline u16 drv_add(struct drv_queue *q, const struct drv_piece *p, u32 nr)
{
	u16 head = q->free;

	assert_true(nr >= 1 && nr <= q->size);
	drv_fill_table(q->desc, head, (u16)(q->size - 1), p, nr);
	q->free = (u16)((head + nr) & (q->size - 1));
	drv_offer(q, head);
	return head;
}

/* The same in an indirect table, which takes one descriptor of the queue's. */
static inline u16 drv_add_indirect(struct drv_queue *q, const struct drv_piece *p, u32 nr)
{
	gpa_t table = guest_alloc(q->g, 16ull * nr, 16);
	u16 head = q->free;

	assert_true(nr >= 1);
	drv_fill_table(guest_ptr(q->g, table, 16ull * nr), 0, 0xffff, p, nr);
	q->desc[head] = drv_desc(table, 16 * nr, DRV_DESC_INDIRECT, 0);
	q->free = (u16)((head + 1) & (q->size - 1));
	drv_offer(q, head);
	return head;
}

static inline u16 drv_used_idx(const struct drv_queue *q)
{
	return __atomic_load_n(&q->used[1], __ATOMIC_ACQUIRE);
}

/* Take the next answer. Return: false when there is none. */
static inline bool drv_used(struct drv_queue *q, u32 *id, u32 *len)
{
	u32 e[2];

	if (drv_used_idx(q) == q->used_seen)
		return false;
	memcpy(e, &q->used[2 + 4 * (q->used_seen & (q->size - 1))], sizeof(e));
	*id = e[0];
	*len = e[1];
	q->used_seen++;
	/* The usual driver wants to hear of the very next one. */
	if (q->event_idx && !q->manual_event)
		__atomic_store_n(drv_used_event(q), q->used_seen, __ATOMIC_SEQ_CST);
	return true;
}

/* Does the device want to be told that @old became the index published last? 2.7.7, 2.7.10 */
static inline bool drv_kick_wanted(const struct drv_queue *q, u16 old)
{
	u16 event;

	__sync_synchronize();
	if (!q->event_idx)
		return !(__atomic_load_n(&q->used[0], __ATOMIC_RELAXED) & 1);
	event = __atomic_load_n(drv_avail_event(q), __ATOMIC_RELAXED);
	return (u16)(q->avail_idx - event - 1) < (u16)(q->avail_idx - old);
}

/* A loop that fails the test instead of waiting for ever. */
struct drv_loop {
	struct loop *loop; /* NULL: io_uring is not allowed here */
	struct loop_op patience;
	bool out_of_patience;
};

static inline void drv_patience_done(struct loop_op *op, int res)
{
	container_of(op, struct drv_loop, patience)->out_of_patience = res == 0;
}

/* @l stays where it is. */
static inline void drv_loop_init(struct drv_loop *l)
{
	int err;

	*l = (struct drv_loop){ .patience.done = drv_patience_done };
	err = loop_create(&l->loop);
	if (err == -EPERM || err == -ENOSYS) {
		print_message("# io_uring is not allowed here\n");
		return;
	}
	assert_int_equal(err, 0);
	assert_int_equal(loop_timeout(l->loop, &l->patience, 30000000000ull), 0);
}

static inline void drv_loop_turn(const struct drv_loop *l)
{
	assert_true(loop_turn(l->loop) > 0);
	assert_false(l->out_of_patience);
}

/* In the transport's place: counts interrupts, with dev.lock held. */
struct drv_bus {
	unsigned int queue_irqs, config_irqs;
};

static inline void drv_bus_queue_interrupt(void *bus)
{
	((struct drv_bus *)bus)->queue_irqs++;
}

static inline void drv_bus_config_interrupt(void *bus)
{
	((struct drv_bus *)bus)->config_irqs++;
}

static inline void drv_bus_attach(struct drv_bus *b, struct virtio *v)
{
	static const struct virtio_bus_ops ops = { drv_bus_queue_interrupt,
		                                   drv_bus_config_interrupt };

	*b = (struct drv_bus){ 0 };
	v->bus_ops = &ops;
	v->bus = b;
}

static inline u8 drv_status(struct virtio *v)
{
	u8 status;

	virtio_lock(v);
	status = v->status;
	virtio_unlock(v);
	return status;
}

static inline u8 drv_set_status(struct virtio *v, u8 status)
{
	virtio_lock(v);
	virtio_set_status(v, status);
	status = v->status;
	virtio_unlock(v);
	return status;
}

/* May wait for what is in flight: then another thread has to turn the loop. */
static inline void drv_reset(struct virtio *v)
{
	assert_int_equal(drv_set_status(v, 0), 0);
}

static inline void drv_features(struct virtio *v, u64 features)
{
	virtio_lock(v);
	virtio_set_driver_features(v, 0, (u32)features);
	virtio_set_driver_features(v, 1, (u32)(features >> 32));
	virtio_unlock(v);
}

/* From reset to FEATURES_OK, with VERSION_1 and @features, which must be offered. */
static inline void drv_negotiate(struct virtio *v, u64 features)
{
	u8 status = VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER;

	drv_reset(v);
	assert_int_equal(drv_set_status(v, status), status);
	drv_features(v, features | VIRTIO_F_VERSION_1_BIT);
	status |= VIRTIO_FEATURES_OK;
	assert_int_equal(drv_set_status(v, status), status);
}

/* Tell the device where the queue is and make it ready. Return: is it? */
static inline bool drv_queue_up(struct virtio *v, u32 index, const struct drv_queue *q)
{
	bool ready;

	virtio_lock(v);
	v->q[index].size = q->size;
	v->q[index].desc_gpa = q->desc_gpa;
	v->q[index].avail_gpa = q->avail_gpa;
	v->q[index].used_gpa = q->used_gpa;
	virtio_set_queue_ready(v, index, true);
	ready = v->q[index].ready;
	virtio_unlock(v);
	return ready;
}

static inline void drv_driver_ok(struct virtio *v)
{
	assert_true(drv_set_status(v, VIRTIO_DRIVER_OK) & VIRTIO_DRIVER_OK);
}

#endif /* TESTS_UNIT_VIRTIO_DRIVER_H */
