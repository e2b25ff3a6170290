/* SPDX-License-Identifier: MIT */
/* Status, features, kicks and resets, seen from a driver through its registers. */
#include "tests/unit/virtio_mmio_rig.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static void features_ok_sticks_only_for_a_subset_with_version_1(void **state)
{
	static const struct {
		u64 features;
		bool ok;
	} rows[] = {
		{ OFFERED, true },
		{ VIRTIO_F_VERSION_1_BIT, true },
		{ VIRTIO_F_VERSION_1_BIT | FEATURE, true },
		{ VIRTIO_F_VERSION_1_BIT | FEATURE2, true },
		{ 0, false },
		{ OFFERED & ~VIRTIO_F_VERSION_1_BIT, false },
		{ OFFERED | 1, false },
		{ OFFERED | 1ull << 33, false },
		{ VIRTIO_F_VERSION_1_BIT | 1ull << 63, false },
		{ ~0ull, false },
	};
	struct fixture *f = need(state);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u32 status = negotiate(f, rows[i].features);

		if (status != (rows[i].ok ? A | D | F : A | D))
			fail_msg("row %zu: %#x", i, status);
		if (!rows[i].ok) {
			/* A driver may think again (3.1.1 says it gives up, 2.2 that it may not mind). */
			set_features(f, VIRTIO_F_VERSION_1_BIT);
			wr(f, STATUS, A | D | F);
			assert_int_equal(rd(f, STATUS), A | D | F);
			continue;
		}
		/* What was agreed on is final. */
		set_features(f, 0);
		assert_int_equal(f->v.negotiated, rows[i].features);
		wr(f, STATUS, 0);
		assert_int_equal(f->v.negotiated, 0);
	}
}

static void the_status_goes_up_in_order_and_down_to_0_alone(void **state)
{
	static const struct {
		u32 nr, write[4], status, driver_oks;
	} rows[] = {
		{ 1, { A }, A, 0 },
		{ 2, { A, A | D }, A | D, 0 },
		{ 1, { D }, D, 0 },
		{ 2, { A, D }, A | D, 0 }, /* no bit is cleared */
		{ 4, { A, A | D, A | D | F, A }, A | D | F, 0 },
		{ 4, { A, A | D, A | D | F, UP }, UP, 1 },
		{ 1, { UP }, UP, 1 },
		{ 3, { UP, UP, OK }, UP, 1 },
		{ 1, { A | D | F }, A | D | F, 0 },
		{ 1, { F }, 0, 0 },
		{ 1, { A | F }, A, 0 },
		{ 1, { D | F }, D, 0 },
		{ 3, { A, A | D, A | D | OK }, A | D, 0 }, /* not without FEATURES_OK */
		{ 1, { OK }, 0, 0 },
		{ 1, { F | OK }, 0, 0 },
		{ 2, { A | D | FAILED, UP }, A | D | FAILED, 0 },
		{ 2, { UP, FAILED }, UP | FAILED, 1 },
		{ 2, { UP, 0 }, 0, 1 },
		{ 3, { UP, 0, A }, A, 1 },
		{ 1, { NEEDS_RESET }, 0, 0 }, /* the device's own */
		{ 1, { 0x30 }, 0, 0 },
		{ 1, { A | 0x30 }, A, 0 },
	};
	struct fixture *f = need(state);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		wr(f, STATUS, 0);
		f->driver_oks = 0;
		set_features(f, VIRTIO_F_VERSION_1_BIT);
		for (u32 k = 0; k < rows[i].nr; k++)
			wr(f, STATUS, rows[i].write[k]);
		if (rd(f, STATUS) != rows[i].status)
			fail_msg("row %zu: %#x", i, rd(f, STATUS));
		if (f->driver_oks != rows[i].driver_oks)
			fail_msg("row %zu: driver_ok %u times", i, f->driver_oks);
	}
}

static void a_queue_gets_ready_between_features_ok_and_driver_ok(void **state)
{
	static const struct {
		u32 status, ready;
	} rows[] = {
		{ 0, 0 },
		{ A, 0 },
		{ A | D, 0 },
		{ A | D | F, 1 },
		{ UP, 0 },
		{ A | FAILED, 0 },
		{ A | D | F | FAILED, 0 },
	};
	struct fixture *f = need(state);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		wr(f, STATUS, 0);
		set_features(f, VIRTIO_F_VERSION_1_BIT);
		if (rows[i].status)
			wr(f, STATUS, rows[i].status & (A | D | F));
		if (rows[i].status)
			wr(f, STATUS, rows[i].status);
		assert_int_equal(rd(f, STATUS), rows[i].status);
		drv_queue_init(&f->drv[0], &f->g, 16, false);
		place_queue(f, 0, &f->drv[0]);
		wr(f, QUEUE_READY, 1);
		if (rd(f, QUEUE_READY) != rows[i].ready || rd(f, STATUS) != rows[i].status)
			fail_msg("row %zu", i);
		wr(f, QUEUE_READY, 0);
		assert_int_equal(rd(f, QUEUE_READY), 0);
	}
}

static void a_queue_set_up_badly_needs_a_reset(void **state)
{
	struct fixture *f = need(state);

	for (u32 num = 0; num < 4; num += 3) {
		assert_int_equal(negotiate(f, VIRTIO_F_VERSION_1_BIT), A | D | F);
		drv_queue_init(&f->drv[0], &f->g, 16, false);
		place_queue(f, 0, &f->drv[0]);
		wr(f, QUEUE_NUM, num);
		wr(f, QUEUE_READY, 1);
		assert_int_equal(rd(f, QUEUE_READY), 0);
		assert_int_equal(rd(f, STATUS), A | D | F | NEEDS_RESET);
		/* 2.1.2: no notification before DRIVER_OK, which is too late now. */
		wr(f, STATUS, UP);
		assert_int_equal(rd(f, STATUS), A | D | F | NEEDS_RESET);
		assert_int_equal(f->line.rises, 0);
		wr(f, QUEUE_NUM, 16);
		wr(f, QUEUE_READY, 1);
		assert_int_equal(rd(f, QUEUE_READY), 0);
	}
	bring_up(f);
}

static void what_was_agreed_on_reaches_the_queue(void **state)
{
	static const u64 rows[] = { 0, VIRTIO_F_EVENT_IDX_BIT, VIRTIO_F_INDIRECT_DESC_BIT,
		                    VIRTIO_F_EVENT_IDX_BIT | VIRTIO_F_INDIRECT_DESC_BIT };
	struct fixture *f = need(state);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		(void)negotiate(f, VIRTIO_F_VERSION_1_BIT | rows[i]);
		drv_queue_init(&f->drv[0], &f->g, 16, false);
		place_queue(f, 0, &f->drv[0]);
		wr(f, QUEUE_READY, 1);
		assert_int_equal(f->v.q[0].event_idx, !!(rows[i] & VIRTIO_F_EVENT_IDX_BIT));
		assert_int_equal(f->v.q[0].indirect, !!(rows[i] & VIRTIO_F_INDIRECT_DESC_BIT));
	}
}

static void a_kick_reaches_a_live_queue_and_no_other(void **state)
{
	struct fixture *f = need(state);
	u32 id, len;

	bring_up_quiet(f);
	offer_one(f, 1);
	wr(f, QUEUE_NOTIFY, 1);
	turn_until_notified(f, 1, 1);
	assert_true(drv_used(&f->drv[1], &id, &len));
	assert_int_equal(f->notified[0], 0);

	/* Rung in vain: not there, not up, not ready. The last one shows that they were heard. */
	wr(f, QUEUE_NOTIFY, NR_QUEUES);
	wr(f, QUEUE_NOTIFY, ~0u);
	wr(f, STATUS, 0);
	wr(f, QUEUE_NOTIFY, 0);
	turn(f);
	(void)negotiate(f, VIRTIO_F_VERSION_1_BIT);
	wr(f, STATUS, UP);
	wr(f, QUEUE_NOTIFY, 0);
	turn(f);
	bring_up_quiet(f);
	wr(f, QUEUE_SEL, 0);
	wr(f, QUEUE_READY, 0);
	wr(f, QUEUE_NOTIFY, 0);
	turn(f);
	assert_int_equal(f->notified[0], 0);
	wr(f, QUEUE_NOTIFY, 1);
	turn_until_notified(f, 1, 1);
	wr(f, STATUS, FAILED);
	wr(f, QUEUE_NOTIFY, 1);
	turn(f);
	assert_int_equal(f->notified[1], 1);
}

static void what_was_offered_before_driver_ok_is_taken_then(void **state)
{
	struct fixture *f = need(state);
	u32 id, len;

	(void)negotiate(f, VIRTIO_F_VERSION_1_BIT);
	drv_queue_init(&f->drv[0], &f->g, 16, false);
	place_queue(f, 0, &f->drv[0]);
	wr(f, QUEUE_READY, 1);
	offer_one(f, 0);
	wr(f, QUEUE_NOTIFY, 0);
	turn(f);
	assert_false(drv_used(&f->drv[0], &id, &len));
	wr(f, STATUS, UP);
	turn_until_notified(f, 0, 1);
	assert_true(drv_used(&f->drv[0], &id, &len));
}

static void a_change_of_configuration_is_told_to_a_driver_that_is_up(void **state)
{
	struct fixture *f = need(state);

	virtio_lock(&f->v);
	virtio_config_changed(&f->v);
	virtio_unlock(&f->v);
	assert_int_equal(rd(f, CONFIG_GENERATION), 1);
	assert_int_equal(rd(f, INTERRUPT_STATUS), 0);
	assert_int_equal(f->line.rises, 0);
	wr(f, STATUS, 0);
	assert_int_equal(rd(f, CONFIG_GENERATION), 1); /* a reset does not turn it back */
}

static void a_hostile_queue_kills_the_device_until_a_reset(void **state)
{
	struct fixture *f = need(state);
	u32 id, len;

	bring_up_quiet(f);
	drv_offer(&f->drv[0], 0xffff);
	wr(f, QUEUE_NOTIFY, 0);
	turn_until_notified(f, 0, 1);
	assert_int_equal(rd(f, STATUS), UP | NEEDS_RESET);
	assert_int_equal(rd(f, INTERRUPT_STATUS), 2);
	assert_int_equal(f->line.rises, 1);
	offer_one(f, 1);
	wr(f, QUEUE_NOTIFY, 1);
	wr(f, QUEUE_NOTIFY, 0);
	turn(f);
	assert_int_equal(f->notified[1], 0);

	bring_up_quiet(f);
	assert_int_equal(rd(f, INTERRUPT_STATUS), 0);
	offer_one(f, 1);
	wr(f, QUEUE_NOTIFY, 1);
	turn_until_notified(f, 1, 1);
	f->drv[1].used_seen = 0;
	assert_true(drv_used(&f->drv[1], &id, &len));
}

static void what_ends_after_the_device_broke_is_not_answered(void **state)
{
	struct fixture *f = need(state);
	unsigned int rises;

	hold_two(f);
	drv_offer(&f->drv[1], 0xffff);
	wr(f, QUEUE_NOTIFY, 1);
	turn_until_notified(f, 1, 1);
	rises = f->line.rises;
	complete_one(f);
	complete_one(f);
	assert_int_equal(drv_used_idx(&f->drv[0]), 0);
	assert_int_equal(f->line.rises, rises);
	wr(f, STATUS, 0);
}

static void a_queue_that_broke_is_not_served(void **state)
{
	struct fixture *f = need(state);

	bring_up_quiet(f);
	f->v.q[0].broken = true;
	wr(f, QUEUE_NOTIFY, 0);
	turn(f);
	assert_int_equal(f->notified[0], 0);
}

/* Another vCPU: one register write that may wait. */
struct vcpu {
	struct fixture *f;
	pthread_t thread;
	u32 reg, value;
	atomic_bool begun, done;
};

static void *vcpu_main(void *arg)
{
	struct vcpu *c = arg;

	atomic_store(&c->begun, true);
	wr(c->f, c->reg, c->value);
	atomic_store(&c->done, true);
	return NULL;
}

static void vcpu_write(struct vcpu *c, struct fixture *f, u32 reg, u32 value)
{
	*c = (struct vcpu){ .f = f, .reg = reg, .value = value };
	must0(pthread_create(&c->thread, NULL, vcpu_main, c));
}

static bool resetting(struct fixture *f)
{
	bool r;

	virtio_lock(&f->v);
	r = f->v.resetting;
	virtio_unlock(&f->v);
	return r;
}

static void a_reset_waits_for_what_is_in_flight(void **state)
{
	struct fixture *f = need(state);
	struct vcpu a, b, c;
	u32 resets;

	hold_two(f);
	resets = f->resets;
	vcpu_write(&a, f, STATUS, 0);
	while (!resetting(f))
		sched_yield();
	/* Others may look, and what they write comes after it. */
	assert_int_equal(rd(f, STATUS), UP);
	vcpu_write(&b, f, STATUS, A);
	vcpu_write(&c, f, QUEUE_READY, 0);
	while (!atomic_load(&b.begun))
		sched_yield();
	/* Nothing new is begun. */
	offer_one(f, 0);
	wr(f, QUEUE_NOTIFY, 0);
	turn(f);
	assert_int_equal(notified(f, 0), 1);
	complete_one(f);
	assert_true(resetting(f));
	assert_int_equal(rd(f, STATUS), UP);
	assert_false(atomic_load(&a.done));
	complete_one(f);
	must0(pthread_join(a.thread, NULL));
	must0(pthread_join(b.thread, NULL));
	must0(pthread_join(c.thread, NULL));
	assert_int_equal(rd(f, STATUS), A);
	assert_int_equal(f->inflight_at_reset, 0);
	assert_int_equal(f->resets, resets + 1);
	assert_int_equal(rd(f, INTERRUPT_STATUS), 0);
	assert_int_equal(f->line.rises, 0); /* a reset device does not interrupt */
	assert_int_equal(rd(f, QUEUE_READY), 0);
}

static void a_queue_that_is_stopped_waits_for_what_is_in_flight(void **state)
{
	struct fixture *f = need(state);
	struct vcpu a;
	u32 ready = 1;

	hold_two(f);
	wr(f, QUEUE_SEL, 0);
	vcpu_write(&a, f, QUEUE_READY, 0);
	while (ready)
		ready = rd(f, QUEUE_READY);
	complete_one(f);
	assert_false(atomic_load(&a.done));
	complete_one(f);
	must0(pthread_join(a.thread, NULL));
	assert_int_equal(drv_used_idx(&f->drv[0]), 0);
	assert_int_equal(rd(f, STATUS), UP);
}

/* One vCPU brings the device up and resets it, one writes what it likes, the loop serves. */
enum { ROUNDS = 300 };

struct hammer {
	struct fixture *f;
	atomic_bool stop;
	atomic_uint done; /* rounds */
};

static void *drive_main(void *arg)
{
	struct hammer *h = arg;
	struct fixture *f = h->f;
	struct drv_queue *q = &f->drv[0];
	const struct drv_piece p = { GUEST_BASE, 64, DRV_IN };

	for (u32 i = 0; i < ROUNDS; i++) {
		wr(f, STATUS, 0);
		set_features(f, VIRTIO_F_VERSION_1_BIT);
		wr(f, STATUS, A | D | F);
		drv_set_avail_idx(q, 0);
		__atomic_store_n(&q->used[1], 0, __ATOMIC_RELAXED);
		place_queue(f, 0, q);
		wr(f, QUEUE_READY, 1);
		wr(f, STATUS, UP);
		for (u32 k = 0; k < 8; k++) {
			(void)drv_add(q, &p, 1);
			wr(f, QUEUE_NOTIFY, 0);
			wr(f, INTERRUPT_ACK, rd(f, INTERRUPT_STATUS));
		}
		/* Sometimes all comes back, sometimes the reset comes before. */
		for (u32 k = 0; k < i && drv_used_idx(q) != 8; k++)
			sched_yield();
		atomic_store(&h->done, i + 1);
	}
	wr(f, STATUS, 0);
	atomic_store(&h->stop, true);
	wr(f, QUEUE_NOTIFY, 0);
	return NULL;
}

static void *meddle_main(void *arg)
{
	struct hammer *h = arg;
	u32 seed = 1;

	while (!atomic_load(&h->stop)) {
		u32 reg, value;

		seed = seed * 1664525 + 1013904223;
		reg = seed >> 16 & 0xfc;
		value = seed >> 24;
		/* Not so much that nothing ever comes up. */
		if (reg < QUEUE_DESC || value < 16)
			wr(h->f, reg, value);
		(void)rd(h->f, reg);
		sched_yield();
	}
	return NULL;
}

/* As if by host I/O: completes what was taken one notification before. */
static u32 complete_all(struct fixture *f)
{
	u32 nr;

	virtio_lock(&f->v);
	nr = f->held;
	for (; f->held; f->held--) {
		virtq_push(&f->v.q[0], 0, 64);
		virtio_used(&f->v, 0);
		virtio_put(&f->v);
	}
	virtio_unlock(&f->v);
	return nr;
}

static void resets_kicks_and_writes_from_all_sides_do_no_harm(void **state)
{
	struct fixture *f = need(state);
	struct hammer h = { .f = f };
	pthread_t driver, meddler;
	u32 served = 0;

	f->hold = true;
	drv_queue_init(&f->drv[0], &f->g, 16, false);
	must0(pthread_create(&driver, NULL, drive_main, &h));
	must0(pthread_create(&meddler, NULL, meddle_main, &h));
	while (!atomic_load(&h.stop)) {
		turn(f);
		served += complete_all(f);
	}
	must0(pthread_join(driver, NULL));
	must0(pthread_join(meddler, NULL));
	assert_int_equal(atomic_load(&h.done), ROUNDS);
	assert_int_equal(f->inflight_at_reset, 0);
	assert_true(served > 0);
	print_message("# %u of %u requests were served\n", served, 8 * ROUNDS);
	wr(f, STATUS, 0);
	f->hold = false;
	bring_up(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MMIO_TEST(features_ok_sticks_only_for_a_subset_with_version_1),
		MMIO_TEST(the_status_goes_up_in_order_and_down_to_0_alone),
		MMIO_TEST(a_queue_gets_ready_between_features_ok_and_driver_ok),
		MMIO_TEST(a_queue_set_up_badly_needs_a_reset),
		MMIO_TEST(what_was_agreed_on_reaches_the_queue),
		MMIO_TEST(a_kick_reaches_a_live_queue_and_no_other),
		MMIO_TEST(what_was_offered_before_driver_ok_is_taken_then),
		MMIO_TEST(a_change_of_configuration_is_told_to_a_driver_that_is_up),
		MMIO_TEST(a_hostile_queue_kills_the_device_until_a_reset),
		MMIO_TEST(what_ends_after_the_device_broke_is_not_answered),
		MMIO_TEST(a_queue_that_broke_is_not_served),
		MMIO_TEST(a_reset_waits_for_what_is_in_flight),
		MMIO_TEST(a_queue_that_is_stopped_waits_for_what_is_in_flight),
		MMIO_TEST(resets_kicks_and_writes_from_all_sides_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
